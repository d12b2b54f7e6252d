"""What a camera sent, kept as its packets, and clips cut out of them."""
