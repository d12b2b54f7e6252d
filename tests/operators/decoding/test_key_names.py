"""What a key says, whoever wrote it: its quantity, the part of the device, and its unit."""

import pytest

from operators.decoding.payloads.key_names import meaning


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("TempC1", ("temperature", "1", None)),
        ("Temp_Channel1", ("temperature", "Channel1", None)),
        ("TempC_DS18B20", ("temperature", "DS18B20", None)),
        ("BatV", ("voltage", None, "V")),
        ("battery_voltage_mv", ("voltage", "battery", "mV")),
        ("currentL1", ("current", "l1", None)),
        ("active_power_l1_w", ("power", "l1", "W")),
        ("pressureHPa", ("pressure", None, "hPa")),
        ("speed_m_s", ("speed", None, "m/s")),
        ("total_power_import_t1_kwh", ("energy", "t1", "kWh")),
        ("total_power_export_kwh", ("energy_returned", None, "kWh")),
        ("daily_energy_kwh", ("energy_today", None, "kWh")),
        ("soil_temperature_at_depth_0", ("temperature", "soil_at_depth_0", None)),
        ("water_SOIL", ("moisture", "SOIL", None)),
        ("water_temperature", ("temperature", "water", None)),
        ("Main_Target_Temp", ("target_temperature", "Main", None)),
        ("pm2_5_mass_concentration", ("pm25", None, None)),
    ],
)
def test_a_key_of_several_words_says_what_it_is_of_which_part(
    key: str, said: tuple[str, str | None, str | None]
) -> None:
    assert meaning(key) == said


@pytest.mark.parametrize(
    "key",
    [
        *("current_program", "power_cycles", "battery_capacity", "load_factor", "temp_high"),
        *("temperature_alarm", "humidity_threshold", "min_temp", "wind_direction", "total_current"),
        *("gas_value", "AbsolutePressure", "eCO2", "accumulatedConsumption", "temperature_unit"),
        *("rssi_1m", "charge_limit_soc", "rain_mm", "level_percent", "_" * 40, "x_" * 30, ""),
    ],
)
def test_words_that_only_look_like_a_quantity_say_none(key: str) -> None:
    assert meaning(key) is None
