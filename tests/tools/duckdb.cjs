// SPDX-License-Identifier: MIT
// Runs a file of statements in DuckDB, in memory: node duckdb.cjs FOLDER FILE.sql. FOLDER is what
// tools/install-duckdb fills. Prints the rows of each query, with tabs between cells, and an empty
// line behind each.
const {readFileSync} = require('node:fs');
const {join, resolve} = require('node:path');

async function main(folder, file) {
  const {DuckDBInstance} = require(resolve(join(folder, 'node_modules', '@duckdb', 'node-api')));
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const statements = await connection.extractStatements(readFileSync(file, 'utf8'));
  for (let i = 0; i < statements.count; i++) {
    const statement = await statements.prepare(i);
    const result = await statement.runAndReadAll();
    if (result.columnNames()[0] === 'Count') continue; // made something
    console.log(result.columnNames().join('\t'));
    for (const row of result.getRowsJson()) console.log(row.map(c => c ?? '').join('\t'));
    console.log('');
  }
}

main(...process.argv.slice(2)).catch(error => {
  console.error(error.message);
  process.exit(1);
});
