"""From a worker's record to a distribution over its accuracy, on a grid of log-odds.

    L(x) = product over its answers of (1 + exp(x + y)) / (1 + exp(x))

is, up to a constant, the likelihood of log-odds of accuracy x, y as in `engine.kernels.support`: an
answer about which the others know nothing (y = 0, accuracy even) says next to nothing, one about
which they are sure counts as one answer of known truth.
"""

import numpy as np
import numpy.typing as npt

from engine.jit import kernel
from engine.kernels.support import LEAST, OCTAVES
from engine.kernels.votes import Votes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

STEPS = 5  # cells of the grid to an octave
STEP = np.log(2.0) / STEPS
CELLS = 96
LOWEST = -7.0  # the grid's first log-odds, accuracy .0009; the last is 6.17, accuracy .9979
_STRETCH = CELLS + STEPS * (OCTAVES - 1)


@kernel
def likelihoods(support: Ints, taken: Floats, logs: Floats) -> None:
    """Fill logs [n, CELLS] with the log-likelihood of each accuracy of the grid.

    support [n, OCTAVES]; taken [n]: the log-odds of the accuracy that the posteriors took each
    worker's to be. Cost: O(OCTAVES x CELLS) a worker.
    """
    curve = np.empty(_STRETCH)
    for j in range(support.shape[0]):
        answers = 0
        for b in range(OCTAVES):
            answers += support[j, b]
        first = LOWEST + (LEAST + 0.5) * STEPS * STEP - taken[j]
        for i in range(_STRETCH):
            curve[i] = np.log1p(np.exp(first + i * STEP))
        for g in range(CELLS):
            logs[j, g] = -answers * np.log1p(np.exp(LOWEST + g * STEP))
        for b in range(OCTAVES):
            count = support[j, b]
            if count > 0:
                for g in range(CELLS):
                    logs[j, g] += count * curve[b * STEPS + g]


@kernel
def hear_others(
    votes: Votes,
    tasks: Ints,
    log_prior: Floats,
    log_odds: Floats,
    panel: int,
    judgment: Ints,
    backing: Floats,
    opinions: Floats,
) -> None:
    """What the other workers say of each answer to gold tasks, the gold not being looked at.

    tasks: gold tasks. log_prior [K]. log_odds [W]: of each worker's accuracy. Each answer is held
    against `panel` others of the task, the next ones by id: gold is answered more often than other
    tasks, and more workers know better. Errors are taken to fall on all labels alike.
    For each answer, judgment [r, 3] receives its worker, its place in `tasks` and whether it is the
    gold, and backing [r] its log-likelihood ratio of right to wrong; for each task, opinions [t, K]
    the mean of the others' posteriors.
    """
    K = log_prior.shape[0]
    score = np.empty(K)
    found = 0
    for place in range(tasks.shape[0]):
        task = tasks[place]
        first, length = votes.start[task], votes.length[task]
        opinions[place] = 0
        for i in range(length):
            own = votes.label[first + i]
            for k in range(K):
                score[k] = log_prior[k]
            for step in range(1, min(panel, length - 1) + 1):
                row = first + (i + step) % length
                score[votes.label[row]] += log_odds[votes.worker[row]] + np.log(K - 1)
            most = score[0]
            for k in range(K):
                most = max(most, score[k])
            others = 0.0
            for k in range(K):
                if k != own:
                    others += np.exp(score[k] - most)
            total = others + np.exp(score[own] - most)
            for k in range(K):
                opinions[place, k] += np.exp(score[k] - most) / (total * length)
            backing[found] = score[own] - most - np.log(max(others, 1e-300) / (K - 1))
            judgment[found, 0] = votes.worker[first + i]
            judgment[found, 1] = place
            judgment[found, 2] = own == votes.gold[task]
            found += 1


@kernel
def share_out(fits: Floats, start: Floats, strength: float, rounds: int, heights: Floats) -> None:
    """Fill heights [groups] with the shares of the groups from which n things come.

    fits [n, groups]: likelihood of each thing in each group. Expectation-maximisation from `start`,
    which counts as `strength` more things. Cost: O(rounds x n x groups).
    """
    n, groups = fits.shape
    found = np.empty(groups)
    for k in range(groups):
        heights[k] = start[k]
    for _ in range(rounds):
        for k in range(groups):
            found[k] = 0.0
        for j in range(n):
            total = 0.0
            for k in range(groups):
                total += fits[j, k] * heights[k]
            for k in range(groups):
                found[k] += fits[j, k] / total
        for k in range(groups):
            heights[k] = (heights[k] * found[k] + strength * start[k]) / (n + strength)


@kernel
def assess(
    logs: Floats, bridge: Floats, weights: Floats, right: Ints, wrong: Ints, chances: Floats
) -> None:
    """Fill chances [n, CELLS] with the distribution of each worker's accuracy.

    logs [n, CELLS]: log-likelihood of its apparent accuracy. weights [CELLS]: the population's
    distribution of apparent accuracy. bridge [CELLS true, CELLS apparent]: what apparent accuracy
    means. right, wrong [n]: answers to gold. Cost: O(CELLS^2) a worker.
    """
    apparent = np.empty(CELLS)
    for j in range(logs.shape[0]):
        most = logs[j, 0]
        for g in range(CELLS):
            most = max(most, logs[j, g])
        for g in range(CELLS):
            apparent[g] = weights[g] * np.exp(logs[j, g] - most)
        top = -np.inf
        for a in range(CELLS):
            x = LOWEST + a * STEP
            chances[j, a] = right[j] * x - (right[j] + wrong[j]) * np.log1p(np.exp(x))
            top = max(top, chances[j, a])
        total = 0.0
        for a in range(CELLS):
            inside = 0.0
            for g in range(CELLS):
                inside += apparent[g] * bridge[a, g]
            chances[j, a] = np.exp(chances[j, a] - top) * inside
            total += chances[j, a]
        for a in range(CELLS):
            chances[j, a] /= total


@kernel
def quantiles(chances: Floats, share: float, values: Floats) -> None:
    """Fill values [n] with the accuracy below which `share` of each distribution lies.

    A distribution is even within a cell. The first cell begins at 0, the last one ends at 1.
    """
    for j in range(chances.shape[0]):
        below = 0.0
        cell = 0
        while cell < CELLS - 1 and below + chances[j, cell] < share:
            below += chances[j, cell]
            cell += 1
        part = (share - below) / max(chances[j, cell], 1e-300)
        x = LOWEST + (cell - 0.5 + min(max(part, 0.0), 1.0)) * STEP
        values[j] = 1 / (1 + np.exp(-x))
        if cell == 0:
            values[j] = values[j] * min(max(part, 0.0), 1.0)
        elif cell == CELLS - 1:
            values[j] = values[j] + (1 - values[j]) * min(max(part, 0.0), 1.0)
