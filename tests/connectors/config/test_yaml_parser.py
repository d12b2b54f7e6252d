"""What YAML 1.2 reads otherwise, or not at all, is refused rather than read in a way of our own."""

import pytest

from connectors.config.document import Document


def problems(value: str) -> list[str]:
    document = Document("flow.yaml")
    document.parse(f"k: {value}\n")
    return document.report().splitlines()[:1]


@pytest.mark.parametrize("value", ["{ ?foo: bar }", "[-]", "[a, -]", "[?a]", "{a: -}"])
def test_a_sign_that_begins_no_text_in_brackets_is_refused(value: str) -> None:
    (problem,) = problems(value)
    assert "a '-' or '?' in brackets begins no text" in problem


@pytest.mark.parametrize("value", ["[x:]", "{x:}", "{:x}", "[a, b:]"])
def test_a_colon_that_begins_or_ends_a_text_in_brackets_is_refused(value: str) -> None:
    (problem,) = problems(value)
    assert "a ':' in brackets neither begins nor ends a text" in problem


@pytest.mark.parametrize("value", ['"a"# x', "'a'#x", "[a]#x", "{a: 1}#x", '["a"# x\n  ]'])
def test_a_comment_without_a_space_before_it_is_refused(value: str) -> None:
    (problem,) = problems(value)
    assert "a comment needs a space before its '#'" in problem


@pytest.mark.parametrize(
    "value",
    [
        "a#b",
        '"a" # x',
        "[a] # x",
        "[-1, -a]",
        "{x: }",
        "{x: , y: 1}",
        "[a:b]",
        "{? foo: bar}",
        "-1",
        "a ?",
        '"-"',
        '["?"]',
    ],
)
def test_what_all_readers_agree_on_is_read(value: str) -> None:
    assert problems(value) == []


@pytest.mark.parametrize(
    "value", ["- go", "@all hot", "%hot", "`hot`", "|hot", "> 30", "? hot", "'it's'", '"hot" now']
)
def test_a_text_that_begins_with_a_sign_of_yaml_is_to_be_quoted(value: str) -> None:
    document = Document("flow.yaml")
    document.parse(f"k: {value}\n")
    assert "put the whole text in quotes" in document.report()


@pytest.mark.parametrize("value", ["call room #4", "[call room #4\n  ]"])
def test_a_number_that_is_a_comment_is_told(value: str) -> None:
    (problem,) = problems(value)
    assert "warning: a comment begins here" in problem
    assert problems("call room # 4 times") == problems('"call room #4"') == []
