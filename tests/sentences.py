"""Sentences that compare numbers of trained models without being bound to a finding.

A build prints the numbers that it found, and words such as "more" or "best" beside them are right only for some. Such words stand
inside a block ``<% finding … %>``, whose text follows the verdict, or the sentence says with ``<# no finding: REASON #>`` why its
words do not depend on a result (a budget, a definition, a statement of arithmetic).

    PYTHONPATH=tests python -m sentences [ASSIGNMENT or file …]

prints the sentences that break this rule.
"""

import functools
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shipped import CONFIG, ROOT, load

__all__ = ["Unbound", "texts", "unbound"]

COMPARING = re.compile(
    r"\b(more|less|fewer|most|mostly|least|best|worst|better|worse|higher|lower|highest|lowest|larger|smaller|largest|smallest|"
    r"greater|greatest|exceeds?|rises?|falls?|grows?|shrinks?|improves?|every|only|never|always|nearest|nearer|sharper|faster|slower|loses?|"
    r"wins?|beats?|longer|shorter|further|closer|stronger|weaker|as well as|as good as)\b",
    re.IGNORECASE,
)
"""Words that compare, or that speak of all cases."""

NUMBER = re.compile(r"<<\s*(?:num|pm|found)\(\s*\"([^\"]+)\"")
"""A printed number, with the run or finding that it is of."""

FINDING = re.compile(r"<%\s*finding\b.*?<%\s*endfinding\s*%>", re.DOTALL)
EXCUSED = re.compile(r"<#\s*no finding:.*?#>", re.DOTALL)
QUOTED = re.compile(r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|~~~.*?~~~|^---\n.*?\n---\n", re.DOTALL | re.MULTILINE)
CALL = re.compile(r"<<.*?>>", re.DOTALL)
END = re.compile(r"(?<=[.!?:;])\s+(?=[A-Z*\[<(])|\n\s*\n|\n\s*[-|*]\s")


@dataclass(frozen=True)
class Unbound:
    """One sentence that compares results without a finding."""

    where: str
    word: str
    sentence: str


@functools.cache
def runs() -> set[str]:
    """The runs of the default configuration."""
    return set(CONFIG["runs"])


def texts() -> Iterator[tuple[str, str]]:
    """Where each text of the report stands, and the text: answers, chapters, captions, alternative texts, notes."""
    catalogue = load()
    for text in (*catalogue.answers.values(), *catalogue.chapters.values()):
        yield str(text.path.relative_to(ROOT)), text.path.read_text(encoding="utf-8")
    for name, entry in (*catalogue.figures.items(), *catalogue.tables.items()):
        for key in ("caption", "alt", "notes"):
            if getattr(entry, key, ""):
                yield f"{catalogue.homes[name].relative_to(ROOT)}: {name}.{key}", getattr(entry, key)


def unbound(where: str, text: str, trained: set[str]) -> list[Unbound]:
    """The sentences of a text with a number of a trained run, a comparing word, and neither a finding nor a reason."""
    free = FINDING.sub(" ", text)
    found = []
    for sentence in END.split(free):
        numbers = [name for name in NUMBER.findall(sentence) if name.split("/")[0] in trained or "/" in name]
        if not numbers or EXCUSED.search(sentence):
            continue
        word = COMPARING.search(CALL.sub(" ", QUOTED.sub(" ", sentence)))
        if word:
            found.append(Unbound(where, word.group(), " ".join(sentence.split())))
    return found


def main(wanted: Iterable[str]) -> int:
    """Print what breaks the rule."""
    trained, wanted = runs(), list(wanted)
    count = 0
    for where, text in texts():
        if wanted and not any(name in where for name in wanted):
            continue
        for found in unbound(where, text, trained):
            count += 1
            print(f"{found.where}: {found.word!r}: {found.sentence}\n")
    print(f"{count} sentences compare results without a finding")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
