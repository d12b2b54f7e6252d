"""Pictures of flows: the diagram, its layout, and SVG; imports `language`."""
