"""Presets: policies for named situations. Each sets some knobs, for a reason, and leaves others."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final


class PresetName(StrEnum):
    """Names of presets."""

    QUICK_LOOK = "QUICK_LOOK"
    BALANCED = "BALANCED"
    CAREFUL_WITH_GOLD = "CAREFUL_WITH_GOLD"
    OPEN_CROWD = "OPEN_CROWD"
    FEW_EXPERTS = "FEW_EXPERTS"
    MODELS_FIRST = "MODELS_FIRST"
    EVEN_OVERLAP = "EVEN_OVERLAP"


@dataclass(frozen=True, slots=True)
class Setting:
    """A knob, the value that a preset gives it, and why."""

    knob: str
    value: Any
    why: str


@dataclass(frozen=True, slots=True)
class Preset:
    """A policy for a situation. settings: what it sets; all else stays as it is."""

    name: PresetName
    situation: str
    settings: tuple[Setting, ...]

    @property
    def changes(self) -> dict[str, Any]:
        """The knobs as `Policy.changed` takes them."""
        return {each.knob: each.value for each in self.settings}


_PRESETS: Final = (
    Preset(
        PresetName.QUICK_LOOK,
        "A first look at many items, for little: rough labels, refined later where they matter.",
        (
            Setting("overlap", 3, "a third opinion where two differ, and no more"),
            Setting("min_judgments", 1, "one good worker's word is enough for now"),
            Setting("target_confidence", 0.8, "one label in five may be wrong"),
            Setting("gold_rate", 0.1, "gold costs judgments, and little hangs on these labels"),
            Setting("watch_error", 0.2, "a look too many at a worker costs less than bad labels"),
        ),
    ),
    Preset(
        PresetName.BALANCED,
        "The usual case: a crowd or a vendor of which most are good, and labels to train on.",
        (
            Setting("overlap", 5, "room for the tasks on which workers differ"),
            Setting("min_judgments", 2, "easy tasks stop when two agree, and spare for the hard"),
            Setting("target_confidence", 0.9, "0.95 would leave half of the tasks to staff"),
            Setting("gold_rate", 0.15, "enough to know a worker after some dozens of judgments"),
            Setting("gold_floor", 0.02, "those who are known are looked at now and then"),
        ),
    ),
    Preset(
        PresetName.CAREFUL_WITH_GOLD,
        "Labels that must be right, and enough tasks whose answers are known: health, safety, "
        "test sets.",
        (
            Setting("overlap", 9, "hard tasks get many opinions before staff has to decide"),
            Setting("min_judgments", 3, "no label rests on two workers who err alike"),
            Setting("target_confidence", 0.99, "one label in a hundred may be wrong"),
            Setting("quiz", True, "nobody's judgments count as an active worker's untested"),
            Setting("quiz_gold", 0.5, "half of the quiz is gold, so that it is short"),
            Setting("gold_rate", 0.2, "workers are known before much rests on them"),
            Setting("gold_floor", 0.05, "and looked at as long as they work"),
            Setting("status_evidence", "GOLD", "what is known counts, not what most say"),
            Setting("acceptable_accuracy", 0.9, "nine in ten is what the label needs of a worker"),
            Setting("unacceptable_accuracy", 0.75, "and this is too little"),
        ),
    ),
    Preset(
        PresetName.OPEN_CROWD,
        "Anybody may come and is paid by the piece: some click at random, some run programs, some "
        "copy.",
        (
            Setting("overlap", 7, "room for judgments that turn out to be worth nothing"),
            Setting("min_judgments", 3, "one clicker cannot settle a task"),
            Setting("target_confidence", 0.9, "as sure as such crowds become with this overlap"),
            Setting("quiz", True, "most clickers leave before they have judged much"),
            Setting("quiz_gold", 0.5, "half of the quiz is gold, so that it is short"),
            Setting("gold_rate", 0.2, "newcomers are many, and nothing is known of them"),
            Setting("pause_error", 0.02, "a pause too many is cheap where others wait for work"),
            Setting("ban_error", 0.001, "and so is a ban"),
            Setting("find_fraud", True, "copies and programs come with payment by the piece"),
            Setting("join_copiers", True, "copies of one answer count once"),
            Setting("floor_seconds", 1.0, "nobody reads a task in less"),
            Setting("tell_workers", "STATUS", "numbers teach those who probe"),
        ),
    ),
    Preset(
        PresetName.FEW_EXPERTS,
        "Some few people who know the matter and whom you know: doctors, lawyers, colleagues.",
        (
            Setting("overlap", 2, "their time is dear"),
            Setting("min_judgments", 1, "a second one only where the first may be wrong"),
            Setting("target_confidence", 0.9, "one label in ten may be wrong"),
            Setting("lease_seconds", 14_400.0, "they take their time: half a day"),
            Setting("revision_seconds", 86_400.0, "and may think again until tomorrow"),
            Setting("act_on_status", False, "staff talks to them; no test sends them away"),
            Setting("join_copiers", False, "those who know the matter agree, and do not copy"),
            Setting("gold_rate", 0.05, "gold is for getting to know them, not for policing"),
            Setting("tell_workers", "REASONS", "they may see how they do"),
        ),
    ),
    Preset(
        PresetName.MODELS_FIRST,
        "Programs label everything first; people look where these are unsure, or differ.",
        (
            Setting("models_count", True, "what programs say may settle a task"),
            Setting("overlap", 5, "room for people after two programs"),
            Setting("min_judgments", 2, "no task rests on one program"),
            Setting("target_confidence", 0.9, "where they are less sure a person is asked"),
            Setting("routing", "UNCERTAINTY", "people get what the programs leave in doubt"),
            Setting("gold_floor", 0.05, "programs fail all alike, so they are checked for good"),
        ),
    ),
    Preset(
        PresetName.EVEN_OVERLAP,
        "Every task gets the same number of judgments: to study agreement, or to compare crowds.",
        (
            Setting("overlap", 5, "so many for each"),
            Setting("min_judgments", 5, "none settles before it has them all"),
            Setting("target_confidence", 0.5, "what most say is taken: none waits for staff"),
            Setting("routing", "BREADTH", "tasks fill evenly, so that it can be cut short"),
        ),
    ),
)
PRESETS: Final[Mapping[str, Preset]] = MappingProxyType({each.name: each for each in _PRESETS})
