"""The peer of the latency benchmark: paho straight to WebSocket, nothing between. `direct_relay.py
MQTT_PORT USER PORT`.

The password is read from standard input.
"""

import asyncio
import sys

import paho.mqtt.client as mqtt
from websockets.asyncio.server import ServerConnection, broadcast, serve


async def main(mqtt_port: int, user: str, password: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    clients: set[ServerConnection] = set()

    async def accept(connection: ServerConnection) -> None:
        clients.add(connection)
        await connection.wait_closed()
        clients.discard(connection)

    def receive(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        loop.call_soon_threadsafe(broadcast, clients, message.payload.decode())

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.username_pw_set(user, password)
    client.on_message = receive
    client.connect("127.0.0.1", mqtt_port)
    client.subscribe("zigbee2mqtt/#", 1)
    client.loop_start()
    async with serve(accept, "127.0.0.1", port, compression=None):
        print("ready", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.stdin.readline().strip(), int(sys.argv[3])))
