"""Where the pictures of a camera come from: streams, single pictures, this machine."""
