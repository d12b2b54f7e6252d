"""Results of tests as JUnit XML, in the form that CI servers read.

One `testsuite` for each definition; attributes and their order follow the XML schema of Ant's JUnit
task (JUnit.xsd), which the Jenkins and GitLab readers accept too.
"""

import re
import socket
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from connectors.config.document import Document
from flows.testing.report import headline, report
from flows.testing.runner import Outcome

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Sequence[tuple[Document, str, Sequence[Outcome]]], began: float) -> bytes:
    """The XML of the results: (document, name of the flow, outcomes) of each definition.

    `began` is in epoch seconds.
    """
    root = ET.Element("testsuites")
    for number, (document, flow, outcomes) in enumerate(results):
        root.append(_suite(number, document, flow, outcomes, began))
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _suite(
    number: int, document: Document, flow: str, outcomes: Sequence[Outcome], began: float
) -> ET.Element:
    def count(status: str) -> str:
        return str(sum(outcome.status == status for outcome in outcomes))

    suite = ET.Element(
        "testsuite",
        {
            "id": str(number),
            "package": "vigie",
            "name": flow,
            "timestamp": datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "hostname": socket.gethostname() or "localhost",
            "tests": str(len(outcomes)),
            "failures": count("failed"),
            "errors": "0",
            "skipped": count("skipped"),
            "time": _seconds(sum(outcome.seconds for outcome in outcomes)),
        },
    )
    ET.SubElement(
        ET.SubElement(suite, "properties"),
        "property",
        {"name": "file", "value": _xml(str(document.path))},
    )
    for outcome in outcomes:
        case = {
            "name": _xml(outcome.test),
            "classname": f"vigie.{flow}",
            "time": _seconds(outcome.seconds),
        }
        element = ET.SubElement(suite, "testcase", case)
        if outcome.status == "skipped":
            ET.SubElement(element, "skipped", {"message": _xml(outcome.reason)})
        elif outcome.failures:
            message = _xml(headline(document, outcome.failures[0]))
            failure = ET.SubElement(element, "failure", {"message": message, "type": "expectation"})
            failure.text = _xml(click.unstyle(report(document, outcome)))
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")
    return suite


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


def _xml(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
