"""How bad something is that staff is told of."""

from api.graphql.enums import described_enum
from api.state.alerts import Severity

__all__ = ["Severity"]

described_enum(
    "How soon staff should look.",
    LOW="When there is time.",
    MEDIUM="Soon: it is about one worker, or costs more than it has to.",
    HIGH="Now: it spoils labels, or something does not work.",
)(Severity)
