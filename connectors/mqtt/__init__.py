"""MQTT: the source that acknowledges what is stored, and the sink, with Home Assistant's discovery.

The door is `components`. `receiver` is the running side of the source, `publisher` of the sink;
`homeassistant` makes the entities. The package imports `connectors.base`, `connectors.runtime` and
`operators`; `components` does without paho's clients, which are made when a flow opens it.
"""
