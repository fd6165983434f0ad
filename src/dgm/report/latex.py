"""Text and code for LaTeX: escaping, characters outside ASCII, listings."""

import re

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, String, _TokenType

__all__ = ["break_anywhere", "declarations", "escape", "listing"]

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "-": r"{-}",  # keeps two hyphens from becoming a dash
}
_PROSE = {character: text for character, text in _ESCAPES.items() if character not in "'-"}

_MATH = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "υ": "upsilon", "φ": "varphi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta",
    "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega", "≤": "le", "≥": "ge",
    "≠": "ne", "≈": "approx", "≡": "equiv", "∼": "sim", "∝": "propto", "∈": "in", "∉": "notin", "⊂": "subset", "⊆": "subseteq",
    "∪": "cup", "∩": "cap", "∅": "emptyset", "∀": "forall", "∃": "exists", "∞": "infty", "∂": "partial", "∇": "nabla", "∑": "sum",
    "∏": "prod", "∫": "int", "√": "surd", "→": "to", "←": "leftarrow", "↔": "leftrightarrow", "⇒": "Rightarrow",
    "⇔": "Leftrightarrow", "↦": "mapsto", "∘": "circ", "⊙": "odot", "⊗": "otimes", "⊕": "oplus", "·": "cdot", "⋅": "cdot",
    "×": "times", "÷": "div", "±": "pm",
    "∓": "mp", "∥": "parallel", "‖": "Vert", "⟨": "langle", "⟩": "rangle", "ℓ": "ell", "≪": "ll", "≫": "gg", "⊤": "top",
    "⊥": "perp", "∧": "wedge", "∨": "vee", "¬": "neg", "…": "ldots", "⋯": "cdots", "≃": "simeq", "≜": "triangleq", "↑": "uparrow",
    "↓": "downarrow", "□": "square", "∎": "blacksquare", "⌊": "lfloor", "⌋": "rfloor", "⌈": "lceil", "⌉": "rceil", "∗": "ast",
    "✓": "checkmark",
}  # fmt: skip
_UPPER = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ", "0123456789+-=()ni", strict=True))
_LOWER = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ᵢⱼₖₙ", "0123456789+-=()ijkn", strict=True))
_TEXT = {
    "\u00a0": "~", "\u2009": r"\,", "\u202f": r"\,", "\u2212": r"\ensuremath{-}", "\u2010": "-", "\u2011": "-",
    "\u2013": "--", "\u2014": "---", "\u2018": "`", "\u2019": "'", "\u201c": "``", "\u201d": "''", "\u2026": r"\ldots{}",
    "\u200b": r"\allowbreak{}", "ℝ": r"\ensuremath{\mathbb{R}}", "ℕ": r"\ensuremath{\mathbb{N}}",
    "ℤ": r"\ensuremath{\mathbb{Z}}", "𝔼": r"\ensuremath{\mathbb{E}}", "½": r"\ensuremath{\frac12}",
    "¼": r"\ensuremath{\frac14}", "¾": r"\ensuremath{\frac34}", "⅓": r"\ensuremath{\frac13}",
    "▸": r"\ensuremath{\triangleright}", "✗": r"\ensuremath{\times}", "•": r"\textbullet{}", "°": r"\textdegree{}",
    "€": r"\texteuro{}",
}  # fmt: skip


def _form(character: str) -> str | None:
    if character in _TEXT:
        return _TEXT[character]
    if character in _MATH:
        return rf"\ensuremath{{\{_MATH[character]}}}"
    if character in _UPPER:
        return rf"\ensuremath{{^{{{_UPPER[character]}}}}}"
    if character in _LOWER:
        return rf"\ensuremath{{_{{{_LOWER[character]}}}}}"
    return None


def declarations(text: str, where: str) -> str:
    """``\\DeclareUnicodeCharacter`` for every character of ``text`` that needs one.

    Latin letters with accents need none (inputenc and T1 know them).

    Raises:
        ValueError: for a character that has no form in LaTeX here, with its neighbourhood.
    """
    lines = []
    for character in sorted(set(text)):
        if character.isascii():
            continue
        form = _form(character)
        if form is not None:
            lines.append(rf"\DeclareUnicodeCharacter{{{ord(character):04X}}}{{{form}}}")
        elif not 0xA1 <= ord(character) <= 0x17F:
            at = text.index(character)
            near = " ".join(text[max(0, at - 40) : at + 40].split())
            raise ValueError(
                f"{where}: LaTeX has no form for {character!r} (U+{ord(character):04X}) near: {near}; "
                "write it as TeX, or add it to dgm.report.latex"
            )
    return "\n".join(lines)


def escape(text: str) -> str:
    """Plain text for LaTeX prose."""
    escaped = "".join(_PROSE.get(character, character) for character in text)
    return re.sub(r"-(?=-)", "-{}", escaped)  # two hyphens are no dash


def break_anywhere(text: str) -> str:
    """An identifier or a path in typewriter type that may be broken after its separators."""
    return r"\texttt{" + re.sub(r"((?:\\_|[./=,:(])|\{-\})(?=.)", r"\1\\allowbreak{}", _verbatim(text)) + "}"


def listing(code: str, language: str = "") -> str:
    """A code listing. Long lines are folded at a space, with a hanging indentation; Python is highlighted."""
    lines = _highlighted(code) if language == "python" else [[("", line)] for line in code.splitlines()]
    made = []
    for pieces in lines:
        text = "".join(piece for _, piece in pieces)
        indentation = len(text) - len(text.lstrip(" "))
        body = _trimmed(pieces, indentation)
        tex = "".join(_styled(style, piece) for style, piece in body)
        made.append(rf"\codeline{{{indentation}}}{{{tex or '~'}}}")
    return "\\begin{codelisting}\n" + "\n".join(made) + "\n\\end{codelisting}"


def _trimmed(pieces: list[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    left = []
    for style, piece in pieces:
        cut = min(count, len(piece))
        count -= cut
        if piece[cut:]:
            left.append((style, piece[cut:]))
    return left


def _highlighted(code: str) -> list[list[tuple[str, str]]]:
    lines: list[list[tuple[str, str]]] = [[]]
    for token, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(code):
        for number, part in enumerate(value.split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append((_style(token), part))
    return lines


def _style(token: _TokenType) -> str:
    if token in Comment or token in String.Doc:
        return "codecomment"
    if token in Keyword:
        return "codekeyword"
    if token in Name.Function or token in Name.Class:
        return "codename"
    if token in String:
        return "codestring"
    return ""


def _styled(style: str, text: str) -> str:
    tex = _verbatim(text).replace("  ", "~ ")
    return rf"\{style}{{{tex}}}" if style else tex


def _verbatim(text: str) -> str:
    return "".join(_ESCAPES.get(character, character) for character in text)
