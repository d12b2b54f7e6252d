"""Infrastructure: set-up, embedded services and the demo; imports nothing of the product."""
