"""Random readings with all their fields, for properties of columns."""

from hypothesis import strategies as st

from operators.events import Reading

Texts = st.SearchStrategy[str]


def random_readings(
    ids: Texts, subjects: Texts, words: Texts, latest: float, **more: st.SearchStrategy[str | None]
) -> st.SearchStrategy[Reading]:
    """Readings up to the time `latest` (epoch seconds); `more` gives further fields."""
    return st.builds(
        Reading,
        id=ids,
        time=st.floats(0, latest),
        subject=subjects,
        metric=words,
        value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        text=st.none() | words,
        unit=st.none() | words,
        quality=st.sampled_from(["good", "stale", "bad"]),
        labels=st.dictionaries(words, words, max_size=2),
        topic=st.none() | words,
        raw=st.none() | words,
        **more,
    )
