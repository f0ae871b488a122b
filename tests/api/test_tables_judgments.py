from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.tables.columns import GOLD, LABEL, TASK, WORKER, find_columns
from api.tables.errors import TableError
from api.tables.gold import Gold, read_gold
from api.tables.judgments import Judgments, Reading, last_of_each, read_judgments
from api.tables.labels import natural


def refuse(line: int, reason: str, raw: bytes) -> None:
    raise AssertionError((line, reason, raw))


def judged(folder: Path, content: str) -> Judgments:
    path = folder / "judgments.csv"
    path.write_text(content)
    return read_judgments(str(path), Reading(), refuse)


def golden(folder: Path, judgments: Judgments, content: str) -> tuple[Judgments, Gold]:
    path = folder / "gold.csv"
    path.write_text(content)
    return read_gold(str(path), judgments, Reading(), refuse)


@pytest.mark.parametrize(
    ("header", "places"),
    [
        ("task,worker,label", [0, 1, 2]),
        ("label;task;worker", [1, 2, 0]),
        ("INPUT:image,OUTPUT:result,GOLDEN:result,ASSIGNMENT:assignment_id,ASSIGNMENT:worker_id",
         [0, 4, 1]),
        ("HITId,WorkerId,Answer.label", [0, 1, 2]),
        ("Item ID,Annotator,Rating,Date", [0, 1, 2]),
        ("question_id,user_id,answer", [0, 1, 2]),
        ("_unit_id,_worker_id,category", [0, 1, 2]),
        ("task,performer,label", [0, 1, 2]),
        ("task,worker,label,answer", [0, 1, 2]),
    ],
)  # fmt: skip
def test_names_of_other_tools_are_recognised(header: str, places: list[int]) -> None:
    names = header.replace(";", ",").split(",")
    assert find_columns("rows", names, [TASK, WORKER, LABEL]) == places


def test_gold_prefers_its_own_names() -> None:
    assert find_columns("gold", ["INPUT:image", "GOLDEN:result"], [TASK, GOLD]) == [0, 1]
    assert find_columns("gold", ["task", "label", "truth"], [TASK, GOLD]) == [0, 2]


def test_several_inputs_must_be_chosen_from() -> None:
    header = ["INPUT:image", "INPUT:text", "ASSIGNMENT:worker_id", "OUTPUT:result"]
    with pytest.raises(TableError, match="2 columns that could be the task: INPUT:image, INPUT:t"):
        find_columns("rows", header, [TASK, WORKER, LABEL])


def test_a_misspelt_column_gets_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("task,worker,label\n1,2,3\n")
    with pytest.raises(TableError, match=r"There is none called 'lable'\. Did you mean 'label'"):
        read_judgments(str(path), Reading(label_column="lable"), refuse)
    with pytest.raises(TableError, match="taken for the label and for the task"):
        read_judgments(str(path), Reading(label_column="task"), refuse)


def test_labels_are_in_natural_order() -> None:
    labels = ["b10", "10", "b9", "A", "-1", "2", "1.5", "c", "02"]
    assert sorted(labels, key=natural) == ["-1", "1.5", "02", "2", "10", "A", "b9", "b10", "c"]


@given(st.lists(st.text(), unique=True))
def test_natural_order_is_an_order_of_any_text(labels: list[str]) -> None:
    upwards = sorted(labels, key=natural)
    assert sorted(labels, key=natural, reverse=True) == upwards[::-1]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2))))
def test_the_last_row_of_each_key_is_kept(rows: list[tuple[int, int]]) -> None:
    keys = np.array([key for key, _ in rows], np.int64)
    values = np.array([value for _, value in rows], np.int16)
    latest: dict[int, int] = {}
    duplicates = revised = 0
    for key, value in rows:
        duplicates += latest.get(key) == value
        revised += key in latest and latest[key] != value
        latest[key] = value
    last = sorted({key: place for place, (key, _) in enumerate(rows)}.values())
    kept, *counts = last_of_each(keys, values)
    assert kept.tolist() == last
    assert counts == [duplicates, revised]


def test_repeated_rows_are_counted_and_the_last_answer_counts(tmp_path: Path) -> None:
    judgments = judged(
        tmp_path,
        "task,worker,label,seconds\n1,x,a,3\n1,x,a,4\n2,x,a,5\n1,x,b,6\n2,y,c,1\n",
    )
    assert (judgments.rows, judgments.duplicates, judgments.revised) == (5, 1, 1)
    assert judgments.task.tolist() == [1, 0, 1]
    assert judgments.label.tolist() == [0, 1, 2]


def test_free_text_is_no_label(tmp_path: Path) -> None:
    rows = "\n".join(f"{row},w,something else {row}" for row in range(1001))
    with pytest.raises(TableError, match="1,001 different labels, and 1,000 is the most"):
        judged(tmp_path, "task,worker,label\n" + rows)


def test_gold_is_matched_and_what_is_odd_about_it_is_told(tmp_path: Path) -> None:
    judgments = judged(tmp_path, "task,worker,label\n1,x,b\n2,x,c\n3,x,b\n")
    judgments, gold = golden(tmp_path, judgments, "task,label\n1,b\n9,b\n3,a\n1,c\n2,c\n2,c\n")
    assert judgments.labels == ["a", "b", "c"]
    assert judgments.label.tolist() == [1, 2, 1]
    assert gold.label.tolist() == [2, 2, 0]
    assert (gold.revised, gold.unjudged, gold.unseen) == (1, ["9"], ["a"])


def test_a_gold_label_of_an_unjudged_task_is_no_new_label(tmp_path: Path) -> None:
    judgments = judged(tmp_path, "task,worker,label\n1,x,b\n2,x,c\n")
    judgments, gold = golden(tmp_path, judgments, "task,label\n1,b\n9,other\n")
    assert judgments.labels == ["b", "c"]
    assert gold.unseen == []


def test_gold_of_something_else_is_refused(tmp_path: Path) -> None:
    judgments = judged(tmp_path, "task,worker,label\n1,x,b\n2,x,c\n")
    with pytest.raises(
        TableError, match=r"Gold tasks look like 1\.0, 2\.0, judged tasks like 1, 2"
    ):
        golden(tmp_path, judgments, "task,label\n1.0,b\n2.0,c\n")
    with pytest.raises(TableError, match="Gold says B, C, the workers say b, c"):
        golden(tmp_path, judgments, "task,label\n1,B\n2,C\n")
    many = "".join(f"{row},x,{row}\n" for row in range(1000))
    judgments = judged(tmp_path, "task,worker,label\n" + many)
    with pytest.raises(TableError, match="1,001 different labels"):
        golden(tmp_path, judgments, "task,label\n1,1\n2,new\n")
