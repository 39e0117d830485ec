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
replay = json.load(open(sys.argv[2]))
metrics = replay["metrics"]["recorded"]
here = replay["metrics"]["replayed"]
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
for label, key in (("allocs", "alloc"), ("frees", "free"), ("reallocs moved", "realloc_moved")):
    assert found[label][0] == f"{replay['by_kind'][key]:,}", label
assert found["reallocs moved"][1] == f"{replay['replayed']['moved']:,}"
looks = [each[look]["gaps"] for look in ("at_peak", "at_end") for each in (metrics, here)
         if look in each]
if len(looks) == 4:
    assert found["gaps"] == [f"{gaps['count']:,}" for gaps in looks], found["gaps"]
    assert found["largest"] == [f"{gaps['largest_bytes']:,}" for gaps in looks], found["largest"]
    for index in "largest_free_index", "unusable_p50", "unusable_p90", "unusable_p99":
        shown = found["not in the largest"] if index == "largest_free_index" else next(
            row for label, row in found.items() if label.startswith("unusable for ")
            and {"p50": "(median)", "p90": "(90 %)", "p99": "(99 %)"}[index[9:]] in label)
        for text_, gaps in zip(shown, looks):
            value = gaps.get(index)
            assert text_ == "-" if value is None else abs(
                float(text_.split()[0]) / 100 - value) < 0.0011, (index, shown)
if "at_peak" in here:
    resident = here["at_peak"]["resident_bytes"]
    assert found["until the live peak"] == [f"{resident:,}"], found["until the live peak"]
assert found["before the first operation"] == [f"{replay['resident']['before_bytes']:,}"]
assert text.count("<polyline") >= 4 + 2, "timelines"
# Every figure in a table says itself more exactly when the mouse is on it.
assert "<td class=\"n\">" not in text
