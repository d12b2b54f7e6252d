"""The part `location` of the site file: where the site is."""

from pydantic import Field

from operators.component import Location, Spec


class LocationSection(Spec):
    """Where the site is, in degrees as maps show them: its sun is that of this place."""

    latitude: float = Field(
        ge=-90, le=90, description="Degrees north, negative in the south.", examples=[48.86]
    )
    longitude: float = Field(
        ge=-180, le=180, description="Degrees east, negative in the west.", examples=[2.35]
    )

    @property
    def place(self) -> Location:
        """The place as steps take it."""
        return Location(self.latitude, self.longitude)
