"""`trigger.manual`: a person starts the workflow."""

from executor.node import Config as Base
from executor.node import Trigger


class Config(Base):
    """Nothing to set."""


class ManualTrigger(Trigger[Config]):
    """Starts when a person presses Run, or a script calls the API. Hands on the input that it is given."""

    type, title, icon = "trigger.manual", "Manual", "play"
