"""InfluxDB 2: the sink for time series.

The door is `components.InfluxDB`. The package imports `connectors.base`, `connectors.runtime` and
`operators`; `writer` alone imports the InfluxDB client and is loaded when a sink is opened.
"""
