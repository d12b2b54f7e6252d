"""A child that counts once, prints what is no message, and waits for its end."""

import os
import sys
import time

from connectors.runtime import steady_clock
from flows.vision.child_process import Child

if __name__ == "__main__":
    child = Child()
    print("a library's chatter")
    os.write(1, b"native chatter\n")
    child.up(child.settings["name"])
    child.count("started")
    child.detector("clock", {"ahead": f"{steady_clock.now() - time.time():.0f}"})
    child.down("camera gate", "no route to host")
    if child.settings.get("pid_file"):
        with open(child.settings["pid_file"], "w") as file:
            file.write(str(os.getpid()))
    child.stopping.wait()
    child.count("ended")
    sys.exit(0)
