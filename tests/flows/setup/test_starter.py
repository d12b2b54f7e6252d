"""A starter flow is valid whatever was found, and is not raised by what was seen."""

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from connectors.config.document import Document
from flows.commands.validate import check
from flows.language.model import Flow
from flows.setup.starter import SIMULATED, Signals, definition, mqtt_feed, recorder_feed
from operators.decoding.payloads.metrics import METRICS

TOPICS = st.lists(
    st.text(st.characters(exclude_characters="+#"), min_size=1).filter(str.isprintable),
    min_size=1,
    max_size=3,
)
SEEN = st.floats(-1e6, 1e6)


def checked(text: str) -> Flow:
    document = Document("starter.yaml")
    document.root = document.parse(text)
    flow = check(document)
    assert not document.errors, document.report()
    assert isinstance(flow, Flow)
    return flow


@settings(max_examples=60, phases=[Phase.explicit, Phase.generate])
@given(TOPICS, st.dictionaries(st.sampled_from(sorted(METRICS)), st.tuples(SEEN, SEEN)))
def test_a_starter_flow_of_any_topics_and_metrics_is_valid(
    topics: list[str], spans: dict[str, tuple[float, float]]
) -> None:
    metrics = {
        name: Signals(METRICS[name].unit, {"one"}, min(span), max(span))
        for name, span in spans.items()
    }
    flow = checked(
        definition(
            "home",
            [mqtt_feed("sensors", topics, "auto"), recorder_feed(), SIMULATED],
            metrics,
            "a@b.org",
            history=True,
        )
    )
    assert flow.alarms
    assert flow.sources["sensors"].settings.topics == topics


def test_the_limit_for_heat_lies_above_what_was_seen() -> None:
    flow = checked(
        definition("home", [SIMULATED], {"temperature": Signals("°C", {"oven"}, 20, 61.5)})
    )
    when = flow.alarms["too_hot"].when
    assert when is not None
    assert when.above is not None
    assert when.above.number == 64
