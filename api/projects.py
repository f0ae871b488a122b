"""What a project is: its labels and its policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from api.policy import Policy

MOST_LABELS = 1000


@dataclass(frozen=True)
class Label:
    """One possible answer. Its place in `Project.labels` is its dense id."""

    external_id: str
    name: str


@dataclass(frozen=True)
class Project:
    """A project as it was last committed; a change of policy makes a new one."""

    project_id: int
    external_id: str
    name: str
    labels: tuple[Label, ...]
    policy: Policy
    policy_version: int
    attributes: Mapping[str, Any]
    created_at: datetime

    @cached_property
    def label_ids(self) -> Mapping[str, int]:
        """Dense label ids by external id."""
        return {label.external_id: index for index, label in enumerate(self.labels)}
