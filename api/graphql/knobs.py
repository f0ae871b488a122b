"""Policies to read: each knob with what it does, presets, and what changed when."""

from datetime import datetime
from typing import Final

import strawberry
from strawberry import field

from api.errors import spoken
from api.graphql.enums import described_enum
from api.graphql.scalars import Json, Sequence
from api.graphql.severity import Severity
from api.policy import KNOBS, Policy
from api.presets import PRESETS, PresetName

described_enum(
    "A policy for a named situation. policyPresets says what each sets, and why.",
    name="PolicyPresetName",
    **{name: preset.situation for name, preset in PRESETS.items()},
)(PresetName)

# Groups of knobs that belong together, each by the first of it.
_GROUPS: Final = {
    "overlap": "Judgments of a task",
    "lease_seconds": "What workers may do",
    "price": "What may be spent",
    "acceptable_accuracy": "Which workers are good enough",
    "quiz": "Quiz and hidden gold",
    "consensus_gold": "Gold from consensus",
    "find_fraud": "Fraud",
    "tell_workers": "What workers learn of themselves",
    "use_other_projects": "Records elsewhere, programs, haste",
    "routing": "Which tasks go to whom",
}


@strawberry.type(description="A knob of a policy, as it is set.")
class Knob:
    """One knob, explained."""

    name: str = field(description="Its name, as in PolicyChanges.")
    group: str = field(description="What it is about; knobs of a group follow each other.")
    meaning: str = field(description="What it does.")
    value: Json | None = field(description="Its value: a number, a boolean, a name or null.")
    default: Json | None = field(description="Its value in a new project.")
    low: float | None = field(description="The smallest value; null where it is no number.")
    high: float | None = field(description="The largest value; null where it is no number.")
    options: list[str] | None = field(
        description="The names to choose from, each with what it means; null where it is no choice."
    )


@strawberry.type(description="A knob that a preset sets.")
class PresetSetting:
    """A knob, its value and the reason."""

    knob: str = field(description="The knob's name, as in PolicyChanges.")
    value: Json | None = field(description="The value it is given.")
    why: str = field(description="Why it fits the situation.")


@strawberry.type(
    description="A policy for a named situation. It sets some knobs, and leaves the others."
)
class PolicyPreset:
    """A preset of api.presets."""

    name: PresetName = field(description="What to call it by in createProject and updatePolicy.")
    situation: str = field(description="For what it is meant.")
    settings: list[PresetSetting] = field(description="What it sets.")


@strawberry.type(description="A knob that was changed.")
class KnobChange:
    """Before and after."""

    knob: str = field(description="The knob's name, as in PolicyChanges.")
    before: Json | None = field(description="Its value until then.")
    after: Json | None = field(description="Its value from then on.")


@strawberry.type(description="A change of a project's policy, from the log of decisions.")
class PolicyChange:
    """A POLICY_CHANGED decision."""

    sequence: Sequence = field(
        description="Its position in the project's log: `asOf` it and the one before show the "
        "effect."
    )
    version: int = field(description="The policy's version from then on.")
    actor: str = field(description="Who changed it.")
    at: datetime = field(description="When it was changed.")
    preset: PresetName | None = field(description="The preset that was applied, if any.")
    changes: list[KnobChange] = field(description="What changed, in the order of the knobs.")


@strawberry.type(description="Something about a policy that does not fit its project.")
class PolicyAdvice:
    """Advice of api.advice."""

    code: str = field(description="What it is; stable.")
    severity: Severity = field(description="HIGH: something does not work at all.")
    knob: str = field(description="The knob that it is about, as in PolicyChanges.")
    text: str = field(description="What is wrong, with numbers from the project.")
    todo: str = field(description="What to do about it.")


def knobs_of(policy: Policy) -> list[Knob]:
    """All knobs of a policy, in their groups."""
    return [
        Knob(
            name=spoken(name),
            group=group,
            meaning=KNOBS[name].metadata["meaning"],
            value=Json(getattr(policy, name)),
            default=Json(KNOBS[name].default),
            low=KNOBS[name].metadata.get("low"),
            high=KNOBS[name].metadata.get("high"),
            options=_options(name),
        )
        for group, names in groups().items()
        for name in names
    ]


def presets() -> list[PolicyPreset]:
    """All presets."""
    return [
        PolicyPreset(
            name=preset.name,
            situation=preset.situation,
            settings=[
                PresetSetting(knob=spoken(each.knob), value=Json(each.value), why=each.why)
                for each in preset.settings
            ],
        )
        for preset in PRESETS.values()
    ]


def _options(name: str) -> list[str] | None:
    options = KNOBS[name].metadata.get("options")
    return None if options is None else [f"{one}: {text}" for one, text in options.items()]


def groups() -> dict[str, list[str]]:
    """The names of all knobs, in their groups."""
    found: dict[str, list[str]] = {}
    for name in KNOBS:
        title = _GROUPS.get(name) or list(found)[-1]
        found.setdefault(title, []).append(name)
    return found
