"""The calls of the GraphQL API that our own commands make."""

from collections.abc import Sequence
from typing import Any, Final

from api.frontend.client import Client

TASKS_PER_CALL: Final = 2_000

# The part of a mutation's selection that tells why it was refused.
REFUSED: Final = "... on Refusal { code message retryAfter }"

CREATE_PROJECT: Final = f"""
mutation ($input: CreateProjectInput!) {{
  createProject(input: $input) {{ ... on CreateProjectPayload {{ project {{ id }} }} {REFUSED} }}
}}"""
_KNOBS: Final = "version knobs { name group meaning value default low high options }"
UPDATE_POLICY: Final = f"""
mutation ($input: UpdatePolicyInput!) {{
  updatePolicy(input: $input) {{
    ... on UpdatePolicyPayload {{ project {{ policy {{ {_KNOBS} }} }} }} {REFUSED}
  }}
}}"""
POLICY: Final = f"""
query ($project: ID!) {{
  project(externalId: $project) {{ policy {{ {_KNOBS} }} }}
}}"""
GOLD_ADVICE: Final = """
query ($project: ID) {
  goldAdvice(project: $project) {
    labels { label active quarantined retired spent exposures }
    perWorker lastsFor audits { waiting confirmed wrong errorRate low high stopped }
    hints { code severity text todo }
  }
}"""
POLICY_ADVICE: Final = """
query ($project: ID, $preset: PolicyPresetName, $changes: PolicyChanges) {
  policyAdvice(project: $project, preset: $preset, changes: $changes) {
    code severity knob text todo
  }
}"""
POLICY_HISTORY: Final = """
query ($project: ID, $first: Int!, $after: String) {
  policyHistory(project: $project, first: $first, after: $after) {
    edges { node { sequence version actor at preset changes { knob before after } } }
    pageInfo { hasNextPage endCursor }
  }
}"""
ADD_TASKS: Final = f"""
mutation ($input: AddTasksInput!) {{
  addTasks(input: $input) {{ ... on AddTasksPayload {{ added refusals {{ row }} }} {REFUSED} }}
}}"""
CREATE_KEY: Final = f"""
mutation ($input: CreateKeyInput!) {{
  createKey(input: $input) {{ ... on CreateKeyPayload {{ token }} {REFUSED} }}
}}"""
LEASE: Final = f"""
mutation ($input: LeaseTasksInput!) {{
  leaseTasks(input: $input) {{
    ... on LeaseTasksPayload {{ leases {{ id payload }} labels {{ externalId }} }} {REFUSED}
  }}
}}"""
SUBMIT: Final = f"""
mutation ($input: SubmitJudgmentInput!) {{
  submitJudgment(input: $input) {{ ... on SubmitJudgmentPayload {{ duplicate }} {REFUSED} }}
}}"""
SUBMIT_MANY: Final = f"""
mutation ($input: SubmitJudgmentsInput!) {{
  submitJudgments(input: $input) {{
    ... on SubmitJudgmentsPayload {{ accepted duplicates refusals {{ row code message }} }}
    {REFUSED}
  }}
}}"""
_EFFECT: Final = """sequence duplicate effect {
  judgments leases posteriors labels statuses reputations
  tasks { task before { label confidence status } after { label confidence status } }
  workers { worker accuracyBefore accuracyAfter }
}"""
VOID_WORKER: Final = f"""
mutation ($input: VoidWorkerInput!) {{
  voidWorker(input: $input) {{ ... on Retraction {{ {_EFFECT} }} {REFUSED} }}
}}"""
UNVOID_WORKER: Final = f"""
mutation ($input: UnvoidWorkerInput!) {{
  unvoidWorker(input: $input) {{ ... on Retraction {{ {_EFFECT} }} {REFUSED} }}
}}"""
VOID_JUDGMENTS: Final = f"""
mutation ($input: VoidJudgmentsInput!) {{
  voidJudgments(input: $input) {{ ... on Retraction {{ {_EFFECT} }} {REFUSED} }}
}}"""
CORRECT_GOLD: Final = f"""
mutation ($input: CorrectGoldInput!) {{
  correctGold(input: $input) {{ ... on Retraction {{ {_EFFECT} }} {REFUSED} }}
}}"""
WITHDRAW_GOLD: Final = f"""
mutation ($input: WithdrawGoldInput!) {{
  withdrawGold(input: $input) {{ ... on Retraction {{ {_EFFECT} }} {REFUSED} }}
}}"""
REOPEN_TASK: Final = f"""
mutation ($input: ReopenTaskInput!) {{
  reopenTask(input: $input) {{ ... on Retraction {{ {_EFFECT} }} {REFUSED} }}
}}"""
ADJUDICATE_TASK: Final = f"""
mutation ($input: AdjudicateTaskInput!) {{
  adjudicateTask(input: $input) {{ ... on Retraction {{ {_EFFECT} }} {REFUSED} }}
}}"""
ADJUDICATION_QUEUE: Final = """
query ($project: ID, $first: Int!, $after: String) {
  adjudicationQueue(project: $project, first: $first, after: $after) {
    totalCount
    edges {
      cursor
      node {
        externalId priority payload attributes openLeases
        consensus { label confidence probabilities { label probability } }
        judgments {
          label seconds createdAt
          worker { externalId kind status reputation { accuracy { value low high } } }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
_ESTIMATE: Final = "{ value low high }"
PROJECTS: Final = """
query ($first: Int!, $after: String) {
  projects(first: $first, after: $after) {
    edges {
      node {
        externalId name createdAt writable
        quality {
          judgments workers openLeases tasks { total open settled contested }
          budget { judgments { limit spent reserved left } money { limit spent reserved left } }
        }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
_WORKER: Final = "externalId kind status voided judgmentCount"
_KNOWN: Final = f"accuracy {_ESTIMATE} bits {_ESTIMATE} goldRight goldTotal"
WORKERS: Final = f"""
query (
  $project: ID, $filter: WorkerFilter, $order: WorkerOrder, $first: Int!, $after: String
) {{
  workers(project: $project, filter: $filter, order: $order, first: $first, after: $after) {{
    edges {{ node {{ {_WORKER} reputation {{ {_KNOWN} }} }} }}
    pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
WORKER: Final = f"""
query ($project: ID, $worker: ID!, $asOf: AsOf) {{
  worker(project: $project, externalId: $worker, asOf: $asOf) {{
    {_WORKER} joinedWith attributes createdAt openLeases standing {{ reasons }}
    reputation {{
      {_KNOWN} agreement {_ESTIMATE} goldAccuracy {_ESTIMATE} trend {_ESTIMATE}
      confusion {{ truth answer count }} bias {{ label share {_ESTIMATE} }}
      speed {{ timed medianSeconds underFloor }} reasons {{ code text figures }}
    }}
  }}
}}"""
_RULED: Final = "sequence duplicate worker { status }"
SET_WORKER_STATUS: Final = f"""
mutation ($input: SetWorkerStatusInput!) {{
  setWorkerStatus(input: $input) {{ ... on SetWorkerStatusPayload {{ {_RULED} }} {REFUSED} }}
}}"""
FREE_WORKER_STATUS: Final = f"""
mutation ($input: FreeWorkerStatusInput!) {{
  freeWorkerStatus(input: $input) {{ ... on FreeWorkerStatusPayload {{ {_RULED} }} {REFUSED} }}
}}"""
LIFT_PAUSE: Final = f"""
mutation ($input: LiftPauseInput!) {{
  liftPause(input: $input) {{ ... on LiftPausePayload {{ {_RULED} }} {REFUSED} }}
}}"""
ANSWER_APPEAL: Final = f"""
mutation ($input: AnswerAppealInput!) {{
  answerAppeal(input: $input) {{ ... on AnswerAppealPayload {{ {_RULED} }} {REFUSED} }}
}}"""
STATUS_HISTORY: Final = """
query ($project: ID!, $worker: ID!) {
  worker(project: $project, externalId: $worker) {
    status
    standing {
      history {
        sequence kind actor createdAt before status granted reason
        evidence {
          against trusting gold_right: goldRight gold_total: goldTotal scored alike expected
        }
      }
    }
  }
}"""
APPEALS: Final = """
query ($project: ID!) {
  appeals(project: $project) { worker message createdAt }
}"""
JOIN_WORKERS: Final = f"""
mutation ($input: JoinWorkersInput!) {{
  joinWorkers(input: $input) {{ ... on Retraction {{ {_EFFECT} }} {REFUSED} }}
}}"""
SPLIT_WORKERS: Final = f"""
mutation ($input: SplitWorkersInput!) {{
  splitWorkers(input: $input) {{ ... on Retraction {{ {_EFFECT} }} {REFUSED} }}
}}"""
_ALERT: Final = """
  sequence kind severity state workers tasks explanation evidence suggestion { words } raisedAt
  acknowledged { sequence actor note at } resolved { sequence actor note at }
"""
ALERT: Final = f"""
query ($project: ID, $sequence: Sequence!) {{
  alert(project: $project, sequence: $sequence) {{ {_ALERT} }}
}}"""
ALERTS: Final = f"""
query (
  $project: ID, $state: [AlertState!], $kind: [AlertKind!], $worker: ID, $first: Int!,
  $after: String
) {{
  alerts(
    project: $project, state: $state, kind: $kind, worker: $worker, first: $first, after: $after
  ) {{
    edges {{ node {{ {_ALERT} }} }} pageInfo {{ hasNextPage endCursor }}
  }}
}}"""
ALERT_FEED: Final = f"""
subscription ($project: ID, $after: Sequence) {{
  alertFeed(project: $project, after: $after) {{ cursor alerts {{ {_ALERT} }} }}
}}"""
_HANDLED: Final = "... on AlertHandled { sequence duplicate alert { state } }"
ACKNOWLEDGE_ALERT: Final = f"""
mutation ($input: HandleAlertInput!) {{
  acknowledgeAlert(input: $input) {{ {_HANDLED} {REFUSED} }}
}}"""
RESOLVE_ALERT: Final = f"""
mutation ($input: HandleAlertInput!) {{
  resolveAlert(input: $input) {{ {_HANDLED} {REFUSED} }}
}}"""
PROJECT: Final = """
query ($project: ID!) {
  project(externalId: $project) { attributes }
}"""


async def add_tasks(client: Client, project: str, tasks: Sequence[dict[str, Any]]) -> set[str]:
    """Add tasks, as many calls as it takes; return the ids of those that cannot be added.

    They are left out: judgments of them will be refused.
    """
    refused: set[str] = set()
    for start in range(0, len(tasks), TASKS_PER_CALL):
        part = tasks[start : start + TASKS_PER_CALL]
        answer = await client.mutate(ADD_TASKS, {"project": project, "tasks": part})
        refused.update(part[refusal["row"]]["externalId"] for refusal in answer["refusals"])
    return refused
