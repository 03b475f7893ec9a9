from domain.kernel.aggregate import Created, Event


class ActuationOpened(Created):
    """The switch of the installation was recorded for the first time; it is on."""

    TOPIC = "actuation.opened"


class ActuationSwitchedOff(Event):
    """A user switched actuation off: appliers begin no action until it is on again."""

    TOPIC = "actuation.switched-off"
    reason: str


class ActuationSwitchedOn(Event):
    """A user switched actuation on: appliers continue with the plans that waited."""

    TOPIC = "actuation.switched-on"
    reason: str
