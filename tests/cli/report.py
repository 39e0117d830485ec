# SPDX-License-Identifier: MIT
"""report.py PAGE.html REPLAY.json: the page is whole, refers to nothing, and has the figures of the
recording that the JSON of the same replay has."""
import html.parser
import json
import sys

VOID = {"meta", "br"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []
        self.seen = []
        self.rows = []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


text = open(sys.argv[1], encoding="utf-8").read()
metrics = json.load(open(sys.argv[2]))["metrics"]["recorded"]
page = Page()
page.feed(text)
page.close()
assert page.open == [], page.open
assert page.seen.count("script") == 1, "scripts"
assert "http://" not in text and "https://" not in text
found = {}
for row in page.rows:
    found.setdefault(row[0].strip(), row[1:])
for label, key in (
    ("F1 average by operation", "f1_operations"),
    ("F1 average by recorded time", "f1_time"),
    ("F2 at the live peak", "f2"),
    ("F3 at the page peak", "f3"),
    ("F4 page peak / live peak", "f4"),
    ("retention: at the end", "retention"),
):
    assert found[label][0] == (f"{metrics[key]:.3f}" if key in metrics else "-"), label
assert found["end, live bytes"][0] == f"{metrics['end']['live_bytes']:,}"
assert found["live peak, at operation"][0] == f"{metrics['peak']['operation']:,}"
for label, key in (("growing", "grow"), ("shrinking", "shrink")):
    assert found[label][0] == f"{metrics['reallocs'][key]['count']:,}", label
