"""Spans to an OTLP receiver over HTTP, by OpenTelemetry's own exporter.

Its environment variables hold: `OTEL_EXPORTER_OTLP_HEADERS` for a token,
`OTEL_RESOURCE_ATTRIBUTES` for more about the process.
"""

import logging
from collections.abc import Callable, Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, TraceFlags
from opentelemetry.trace import SpanKind as Kind

from connectors.base import SpanKind
from connectors.runtime.tracing.span import Span

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_KINDS: dict[SpanKind, Kind] = {
    "internal": Kind.INTERNAL,
    "client": Kind.CLIENT,
    "producer": Kind.PRODUCER,
    "consumer": Kind.CONSUMER,
}
_SCOPE = InstrumentationScope("vigie")


def exporter(to: str, timeout: float, site: str, name: str) -> Callable[[Sequence[Span]], bool]:
    """What sends spans of the process `name` to an address, and says whether they were taken."""
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # it logs every attempt
    resource = Resource.create({"service.name": f"vigie {name}", "service.namespace": site})
    client = OTLPSpanExporter(endpoint=to, timeout=timeout)

    def export(spans: Sequence[Span]) -> bool:
        made = [_readable(span, resource) for span in spans]
        return client.export(made) is SpanExportResult.SUCCESS

    return export


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace, span.id),
        parent=_context(span.trace, span.parent) if span.parent else None,
        resource=resource,
        attributes=span.said,
        kind=_KINDS[span.kind],
        start_time=int(span.start * 1e9),
        end_time=int(span.end * 1e9),
        instrumentation_scope=_SCOPE,
    )


def _context(trace: int, id: int) -> SpanContext:
    return SpanContext(trace, id, is_remote=False, trace_flags=_SAMPLED)
