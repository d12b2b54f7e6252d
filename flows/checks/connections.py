"""What a definition asks of its site: the connections that it names."""

from connectors.config.document import Document
from connectors.config.site import Site, check_connections
from connectors.config.suggestion import near
from flows.language.catalogue import connection_models
from flows.language.model import Flow


def check_site(document: Document, flow: Flow, site: Site) -> None:
    """Note the connections that a flow needs and a site does not have."""
    for section, entries in (("sources", flow.sources), ("sinks", flow.sinks)):
        for name, entry in entries.items():
            component = entry.settings
            wanted, model = (
                getattr(component, "connection", None),
                getattr(component, "CONNECTION", None),
            )
            if wanted is None:
                continue
            if wanted in site.connections:
                if model is not None and wanted not in connection_models() and site.document:
                    check_connections(site.document, site, {wanted: model})
                continue
            if model is None or any(field.is_required() for field in model.model_fields.values()):
                hint = (
                    near(wanted, site.connections)
                    or f"known: {', '.join(site.connections) or 'none'}"
                )
                path = (section, name, entry.kind)
                is_written = document.node((*path, "connection")) is not None
                place = (*path, "connection") if is_written else path
                message = f"the site {site.site!r} has no connection {wanted!r}"
                document.say_at(place, message, hint, key=not is_written)


def is_site(document: Document) -> bool:
    """Whether a document is a site file rather than a definition."""
    keys = {str(key) for key, _, _ in document.root.children()} if document.root else set()
    return "flow" not in keys and bool(keys & {"site", "connections"})
