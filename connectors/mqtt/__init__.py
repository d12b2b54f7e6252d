"""MQTT: the source that acknowledges what is stored, and the sink, with Home Assistant's discovery.

The door is `components`. `receiver` is the running side of the source, `publisher` of the sink,
`network_connection` is one connection of the publisher's; `homeassistant` makes the entities. The
package imports `connectors.base`, `connectors.runtime` and `operators`; `components` and
`connection` do without paho, which is loaded when a flow opens the connector.
"""
