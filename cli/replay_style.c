// SPDX-License-Identifier: MIT
//
// How the page of `heaptape replay --report` looks, and its one script. Colours are variables, of
// which there are a light set, a dark one, and for print the light one whatever the screen has. The
// script shows at once, and more of it, what <title> elements say without it.
#include "cli/replay_page.h"

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>heaptape "
    "replay</title>\n<style>\n";

static const char light[] =
    "--paper:#fff;--card:#f5f7fa;--ink:#1b2330;--soft:#566173;--line:#d9dfe8;--faint:#eceff4;"
    "--was:#1f66ad;--is:#b84a00;--live:#8893a3;--area:#e6eaf0;--held:#2b7a4b;--map:#7d4aa8;"
    "--good:#1d7a46;--mixed:#9a6700;--bad:#b42318;"
    "--s1:#dbe9f6;--s2:#c3dbef;--s3:#a3cae4;--s4:#7db3d8;--s5:#569ac9;--s6:#357fb9;--s7:#1c64a3;"
    "--s8:#0d4a86;--s9:#08306b;";

static const char dark[] =
    "--paper:#12161d;--card:#1b212b;--ink:#e4e9f0;--soft:#9aa7b8;--line:#343d4a;--faint:#232a35;"
    "--was:#6db3f2;--is:#ff9a52;--live:#8b97a8;--area:#28303c;--held:#5cc98a;--map:#c49be8;"
    "--good:#5cc98a;--mixed:#e3b341;--bad:#ff7b72;"
    "--s1:#17304d;--s2:#193c62;--s3:#1b4a79;--s4:#1f5b94;--s5:#2b70b2;--s6:#4289ca;--s7:#66a5dd;"
    "--s8:#94c4ee;--s9:#cfe6fb;";

static const char text_style[] =
    "*{box-sizing:border-box}html{background:var(--paper)}\n"
    "body{font:15px/1.5 system-ui,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;color:var(--ink);"
    "background:var(--paper);max-width:1120px;margin:0 auto;padding:1.6em 1.2em 4em}\n"
    "h1{font-size:1.55em;line-height:1.25;margin:0 0 .1em;overflow-wrap:anywhere}\n"
    "h2{font-size:1.2em;margin:2.2em 0 .6em;padding-bottom:.25em;border-bottom:1px solid "
    "var(--line)}\n"
    "h3{font-size:1em;margin:1.2em 0 .3em}p{margin:.4em 0}\n"
    ".small{color:var(--soft);font-size:.88em;max-width:72em}\n"
    "table{border-collapse:collapse;margin:.3em 0 1em;font-size:.93em;width:100%}\n"
    "th,td{padding:.22em 0 .22em 1em;text-align:left;font-weight:normal;vertical-align:top;"
    "overflow-wrap:anywhere;border-bottom:1px solid var(--faint)}\n"
    "th:first-child{padding-left:0}thead "
    "th{color:var(--soft);font-size:.92em;vertical-align:bottom;"
    "border-bottom:1px solid var(--line)}\n"
    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}thead .n{"
    "white-space:normal}\n"
    "tbody tr:hover{background:var(--card)}.sub th:first-child{padding-left:1.2em;"
    "color:var(--soft)}\n"
    ".facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(15em,1fr));gap:.1em 1.6em;"
    "margin:.8em 0;font-size:.9em}.facts div{border-bottom:1px solid var(--faint);padding:.2em 0;"
    "overflow-wrap:anywhere}.facts b{display:block;font-weight:normal;color:var(--soft);"
    "font-size:.88em}\n"
    ".verdict{margin:1.2em 0 .8em;padding:.7em 1em;border-left:5px solid var(--soft);"
    "background:var(--card);font-size:1.1em}.verdict.yes{border-color:var(--good)}"
    ".verdict.partly{border-color:var(--mixed)}.verdict.no{border-color:var(--bad)}"
    ".verdict .small{font-size:.82em}\n";

static const char picture_style[] =
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10em,1fr));gap:.7em;"
    "margin:.8em 0}.tile{background:var(--card);padding:.6em .8em}.tile span{display:block;"
    "color:var(--soft);font-size:.85em}.tile b{font-size:1.5em;font-weight:600;"
    "font-variant-numeric:tabular-nums}\n"
    ".two{display:grid;grid-template-columns:1fr 1fr;gap:0 2.4em}"
    "@media screen and (max-width:760px){.two,.pair{grid-template-columns:1fr!important}}\n"
    ".scroll{overflow-x:auto}\n"
    "svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,'DejaVu "
    "Sans',sans-serif;"
    "fill:var(--soft)}.grid{stroke:var(--line);fill:none}\n"
    "polyline{fill:none;stroke-width:1.5;stroke-linejoin:round}"
    ".area{fill:var(--area);stroke:var(--live);stroke-width:1}"
    "polyline.was{stroke:var(--was)}polyline.is{stroke:var(--is);stroke-dasharray:6 2}"
    "polyline.held{stroke:var(--held)}polyline.map{stroke:var(--map);stroke-dasharray:2 2}"
    "circle.was{fill:var(--was)}circle.is{fill:var(--is)}circle{stroke:var(--paper)}"
    "circle.live{fill:var(--ink)}\n"
    ".strip{fill:var(--ink);fill-opacity:0}.strip:hover{fill-opacity:.14}\n"
    ".key{margin:0 0 .2em;font-size:.88em;color:var(--soft)}.key span{margin-right:1.4em}"
    ".key "
    "svg{display:inline-block;width:26px;height:10px;margin-right:.4em;vertical-align:middle}\n"
    ".pair{display:grid;grid-template-columns:1fr 1fr;gap:1.4em}figure{margin:0}figcaption{"
    "margin-bottom:.3em}svg.map{height:440px;border:1px solid var(--line);"
    "background:var(--paper);shape-rendering:crispEdges;cursor:crosshair}\n"
    ".s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}.s5{fill:var(--s5)"
    "}"
    ".s6{fill:var(--s6)}.s7{fill:var(--s7)}.s8{fill:var(--s8)}.s9{fill:var(--s9)}\n"
    ".bar{display:inline-block;width:5em;height:.6em;margin-left:.6em;background:var(--faint);"
    "vertical-align:baseline}.bar i{display:block;height:100%;background:var(--is)}.bar "
    ".was{background:var(--was)}\n"
    ".frames{font:12px/1.4 ui-monospace,'DejaVu Sans Mono',monospace}\n"
    "#tip{position:fixed;display:none;pointer-events:none;white-space:pre;background:var(--ink);"
    "color:var(--paper);font:12px/1.45 system-ui,'DejaVu Sans',sans-serif;padding:.5em .7em;"
    "z-index:9;max-width:90vw;font-variant-numeric:tabular-nums}\n"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.15em 1.2em;font-size:.9em}"
    "dt{color:var(--soft)}dd{margin:0}\n"
    "@page{size:A4;margin:14mm}"
    "@media print{body{max-width:none;padding:0;font-size:10.5px}h2{break-after:avoid;"
    "margin-top:1.6em}h3,.key,h2+p{break-after:avoid}svg,figure,table,.verdict,.tiles,.block,dl{"
    "break-inside:avoid}th,td{padding-left:.6em}.two{gap:0 1.6em}.bar{width:3em}svg "
    "text{font-size:16px}svg.map{height:300px}svg.map text{font-size:12px}"
    "thead{display:table-header-group}#tip{display:none!important}*{print-color-adjust:exact;"
    "-webkit-print-color-adjust:exact}}\n</style></head>\n<body>\n";

static const char script[] =
    "<script>\n(function () {\n"
    "  var tip = document.createElement('div'), digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ' +\n"
    "    'abcdefghijklmnopqrstuvwxyz-_.';\n"
    "  tip.id = 'tip';\n"
    "  document.body.appendChild(tip);\n"
    "  document.querySelectorAll('[title]').forEach(function (each) {\n"
    "    each.dataset.tip = each.title;\n"
    "    each.removeAttribute('title');\n"
    "  });\n"
    "  document.querySelectorAll('svg title').forEach(function (title) {\n"
    "    if (title.textContent) { title.parentNode.dataset.tip = title.textContent; }\n"
    "    title.remove();\n"
    "  });\n"
    "  function cell(map, event) {\n"
    "    var data = map.dataset, rows = data.rows.split(' '), columns = +data.columns;\n"
    "    var box = map.getBoundingClientRect();\n"
    "    var x = Math.floor((event.clientX - box.left) / box.width * columns);\n"
    "    var y = Math.floor((event.clientY - box.top) / box.height * rows.length);\n"
    "    x = Math.max(0, Math.min(columns - 1, x));\n"
    "    y = Math.max(0, Math.min(rows.length - 1, y));\n"
    "    var level = digits.indexOf(data.cells[y * columns + x]);\n"
    "    var share = level ? Math.round((level - 1) / 63 * 100) : 0;\n"
    "    var operation = Math.floor(data.operations * (x + 1) / columns);\n"
    "    return 'from 0x' + rows[y] + '\\nafter ' + operation.toLocaleString('en') +\n"
    "      ' operations\\n' + (level ? 'about ' + share + ' % live' : 'nothing live');\n"
    "  }\n"
    "  document.addEventListener('mousemove', function (event) {\n"
    "    var on = event.target.closest('svg.map, [data-tip]');\n"
    "    tip.style.display = on ? 'block' : 'none';\n"
    "    if (!on) { return; }\n"
    "    tip.textContent = on.classList.contains('map') ? cell(on, event) : on.dataset.tip;\n"
    "    var x = event.clientX + 14, y = event.clientY + 16;\n"
    "    if (x + tip.offsetWidth > innerWidth) { x = event.clientX - tip.offsetWidth - 10; }\n"
    "    if (y + tip.offsetHeight > innerHeight) { y = event.clientY - tip.offsetHeight - 10; }\n"
    "    tip.style.left = Math.max(0, x) + 'px';\n"
    "    tip.style.top = Math.max(0, y) + 'px';\n"
    "  });\n"
    "})();\n</script>\n";

static void put_colours(struct ht_html *html)
{
    ht_html_put(html, ":root{");
    ht_html_put(html, light);
    ht_html_put(html, "}\n@media (prefers-color-scheme:dark){:root{");
    ht_html_put(html, dark);
    ht_html_put(html, "}}\n@media print{:root{color-scheme:light;");
    ht_html_put(html, light);
    ht_html_put(html, "}}\n");
}

void ht_page_begin(struct ht_html *html)
{
    ht_html_put(html, head);
    put_colours(html);
    ht_html_put(html, text_style);
    ht_html_put(html, picture_style);
}

void ht_page_end(struct ht_html *html)
{
    ht_html_put(html, script);
    ht_html_put(html, "</body></html>\n");
}
