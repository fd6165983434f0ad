"""Captions as others may show them: those of the page, without what only the page can show."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from dgm.report.build import Report
from dgm.report.captions import Captions, captions


def test_captions_are_those_of_the_page_with_formulas_that_need_no_style_sheet(built: Report) -> None:
    found = captions(built.html)
    assert set(found) == {"wiggle", "scores"}
    tree = ElementTree.fromstring(f"<p>{found['wiggle']}</p>")  # well-formed
    formulas = tree.findall(".//math")
    assert len(formulas) == 1
    assert "katex-html" not in found["wiggle"] and "<a " not in found["wiggle"]
    words = "".join(tree.itertext())
    assert words.startswith("Figure\u00a01. Samples ") and words.endswith(" after 12 epochs.")


def test_links_become_words_and_signs_stay_escaped() -> None:
    page = """<figure class="shown" id="fig-a-b"><img src="x"><figcaption>A &lt; <a href="#fig-c">Figure 2</a> &amp;
      <code>x<wbr>y</code><span class="katex-html">
      <span>drawn<svg><path d="x"/></svg></span></span>;<mspace width="1"/>.
      </figcaption></figure>
      <figure class="listing"><figcaption>of a listing</figcaption></figure>"""
    assert captions(page) == {"a-b": 'A &lt; Figure 2 &amp; <code>x<wbr>y</code>;<mspace width="1"/>.'}


def test_the_page_is_read_when_a_caption_is_asked_for(tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    listed = Captions(page, iter(["a", "b"]))
    page.write_text('<figure id="fig-a"><figcaption>Words.</figcaption></figure>')
    assert dict(listed) == {"a": "Words.", "b": ""}
    assert Captions(tmp_path / "none.html", iter(["a"]))["a"] == ""
    with pytest.raises(KeyError):
        listed["c"]
