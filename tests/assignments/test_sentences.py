"""Sentences about trained models are bound to findings."""

import pytest
from sentences import COMPARING, runs, texts, unbound

TEXTS = list(texts())
assert len(TEXTS) > 150, "answers, captions and alternative texts are among them"


@pytest.mark.parametrize(("where", "text"), TEXTS, ids=[where for where, _ in TEXTS])
def test_no_sentence_compares_results_without_a_finding(where: str, text: str) -> None:
    assert [(found.word, found.sentence) for found in unbound(where, text, runs())] == []


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ('The flow is better, by << num("nice", "bound") >> nats.', "better"),
        ('<< pm("vae_conv", "kl") >> nats, more than << pm("vae_mlp", "kl") >>.', "more"),
        ('Every digit is drawn, << num("gan", "rarest_class", split="samples") >>.', "Every"),
    ],
)
def test_a_comparison_beside_a_number_is_found(sentence: str, word: str) -> None:
    assert [found.word for found in unbound("here", sentence, {"nice", "vae_conv", "vae_mlp", "gan"})] == [word]


@pytest.mark.parametrize(
    "sentence",
    [
        'It is << num("nice", "bound") >> nats.',
        'The divergence is larger: << num("two_mode_fits", "divergence") >>.',
        'A <% finding "q/a" %>better<% undecided %>b<% contradicted %>worse<% endfinding %> one has << num("nice", "kl") >> nats.',
        'No more than 60 images are used: << num("nice", "bound") >>. <# no finding: a budget #>',
        "More is better.",
        'With $x$ larger it is << num("nice", "bound") >>; `more` is code.'.replace("larger", "$larger$"),
    ],
)
def test_other_sentences_are_left_alone(sentence: str) -> None:
    assert unbound("here", sentence, {"nice"}) == []


def test_words_are_whole_words() -> None:
    assert COMPARING.search("moreover") is None and COMPARING.search("Bestow") is None
