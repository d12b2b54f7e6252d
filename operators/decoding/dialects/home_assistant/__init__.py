"""Home Assistant: its statestream over MQTT and the rows of its recorder."""
