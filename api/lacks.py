"""Why there is no task for a worker who may have some."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Lack(StrEnum):
    """What is lacking."""

    FINISHED = "FINISHED"
    ALL_TAKEN = "ALL_TAKEN"
    NONE_LEFT = "NONE_LEFT"
    NOT_ELIGIBLE = "NOT_ELIGIBLE"
    SHARE_REACHED = "SHARE_REACHED"
    COHORT_FULL = "COHORT_FULL"
    LOOKING = "LOOKING"


WORDS: Final[Mapping[Lack, str]] = MappingProxyType(
    {
        Lack.FINISHED: "no task is open any more",
        Lack.ALL_TAKEN: "others hold all places of the open tasks",
        Lack.NONE_LEFT: "none of the open tasks that have a place is left for it to judge",
        Lack.NOT_ELIGIBLE: "all open tasks ask for skills or languages that it does not have",
        Lack.SHARE_REACHED: "it has given as many of the project's judgments as one worker may",
        Lack.COHORT_FULL: "its cohort has given as many judgments of the open tasks as it may",
        Lack.LOOKING: "one is still looked for",
    }
)
