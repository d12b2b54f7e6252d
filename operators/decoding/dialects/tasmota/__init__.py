"""Tasmota devices and the Zigbee devices behind them; the door is `dialect`."""
