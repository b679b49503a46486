"""Members, variables, API keys and the audit as their pages show them."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import segno

from trestle.contracts.api_keys import ApiKey, ApiScope
from trestle.contracts.audit import Action, AuditEntry
from trestle.contracts.users import Member, Project, ProjectRole, Role, User
from trestle.contracts.variables import Variable
from web.components import qr
from web.pages import api_keys, audit, members, people, two_factor, variables
from web.projects import project_choices

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
ID = UUID(int=1)


def variable(value: Any) -> Variable:
    return Variable(id=ID, project_id=ID, name="REGION", value=value, created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize("value", ["eu", "", "5", 5, None, True, [1, "ä"], {"b": 1, "a": [None]}, 1.5])
def test_a_variable_comes_out_of_its_form_as_it_went_in(value: Any) -> None:
    kind, text = variables.written(value)
    assert (variables.read(kind, text), type(variables.read(kind, text))) == (value, type(value))


def test_a_variable_is_shown_with_its_expression() -> None:
    row = variables.shown(variable("eu"))
    assert (row.value, row.expression) == ("eu", "{{ vars.REGION }}")
    assert variables.shown(variable({"a": "ü"})).value == '{"a": "ü"}'
    assert len(variables.shown(variable("x" * 500)).value) == 121
    with pytest.raises(ValueError, match="no JSON"):
        variables.read("json", "eu")


def test_a_key_says_how_long_it_is_good_and_what_it_may() -> None:
    key = ApiKey(
        id=ID,
        project_id=ID,
        user_id=ID,
        name="CI",
        ending="abcd",
        scopes=[ApiScope.WORKFLOWS_READ, ApiScope.EVENTS_WRITE],
        created_at=NOW,
        expires_at=NOW,
        last_used_at=None,
    )
    row = api_keys.shown(key, {str(ID): "Sales"}, {}, NOW)
    assert (row.about, row.scopes, row.expired) == ("trk_…abcd · Sales", "workflows:read, events:write", True)
    assert api_keys.shown(key, {}, {ID: "Eve"}, NOW).about == "trk_…abcd · made by Eve"
    assert not api_keys.shown(key.model_copy(update={"expires_at": None}), {}, {}, NOW).expired
    form = {"name": " CI ", "scope.events:write": "on", "scope.workflows:read": True, "scope.admin": False}
    assert api_keys.wanted(form, "p", "30", NOW) == {
        "name": "CI",
        "scopes": ["workflows:read", "events:write"],
        "project_id": "p",
        "expires_at": "2026-01-31T12:00:00+00:00",
    }
    assert "expires_at" not in api_keys.wanted(form, "p", "never", NOW)
    with pytest.raises(ValueError, match="at least one"):
        api_keys.wanted({"name": "CI", "scope.admin": False}, "p", "30", NOW)
    assert api_keys.SCOPES.keys() == set(ApiScope)


def entry(action: Action, **fields: Any) -> AuditEntry:
    known: dict[str, Any] = {
        "id": ID,
        "at": NOW,
        "user_id": ID,
        "who": "ada@example.org",
        "api_key": None,
        "address": "10.0.0.1",
        "action": action,
        "subject_id": ID,
        "subject": "Leads",
        "project_id": ID,
        "details": {},
    }
    return AuditEntry.model_validate(known | fields)


def test_an_entry_of_the_audit_in_words() -> None:
    row = audit.shown(entry(Action.WORKFLOW_PUBLISHED, details={"version": 3, "workflow_id": "x", "before": ""}))
    assert (row.did, row.subject, row.details, row.link) == ("Published the workflow", "Leads", "version: 3", f"/workflows/{ID}")
    assert audit.shown(entry(Action.WORKFLOW_DELETED)).link == ""
    assert audit.shown(entry(Action.API_KEY_CREATED, api_key="CI")).who == "ada@example.org · key “CI”"
    assert audit.shown(entry(Action.SIGNED_IN, subject="ada@example.org")).subject == ""
    assert audit.shown(entry(Action.SIGN_IN_FAILED, who="", subject="", subject_id=None)).who == "Nobody"
    failed = audit.shown(entry(Action.SIGN_IN_FAILED, who="", subject="ada@example.org"))
    assert (failed.did, failed.subject) == ("Failed to sign in as", "ada@example.org")
    deleted = audit.shown(
        entry(Action.EXECUTION_DELETED, subject="3 executions", subject_id=None, details={"filter": {"status": ["failed"]}})
    )
    assert (deleted.did, deleted.subject, deleted.details, deleted.link) == ("Deleted", "3 executions", "filter: status: failed", "")
    assert audit.shown(entry(Action.EXECUTION_DELETED, subject="")).did == "Deleted an execution"
    assert audit.WORDS.keys() == set(Action)
    kinds = {kind.value for kind in audit.KINDS} - {"all"}
    assert {action.partition(".")[0] for action in Action} == kinds


def test_members_projects_and_people() -> None:
    assert members.labels_of(" sales, on call,, sales ") == ["sales", "on call"]
    member = Member(user_id=ID, email="a@example.org", name="Ada", role=ProjectRole.EDITOR, labels=["sales", "x"])
    assert members.shown(member) == members.Row(str(ID), "Ada", "a@example.org", "Editor", "sales, x")
    project = Project(id=ID, name="Personal", personal=True, role=ProjectRole.ADMIN, created_at=NOW)
    team = project.model_copy(update={"personal": False, "name": "Team"})
    assert [choice.label for choice in project_choices([project, team])] == ["Personal", "Team"]
    user = User.model_validate({"id": ID, "email": "a@example.org", "name": "Ada", "role": "owner", "active": True, "created_at": NOW})
    admin = user.model_copy(update={"id": UUID(int=2), "role": Role.ADMIN})
    assert [people.shown(one, by).may_change for one, by in ((user, user), (user, admin), (admin, user))] == [False, False, True]
    assert people.shown(user, admin).role == "Owner"


def test_a_key_as_a_code_to_scan_and_in_groups_to_type() -> None:
    assert two_factor.in_groups("ABCDEFGHIJ") == "ABCD EFGH IJ"
    url = "otpauth://totp/Trestle:a%40example.org?secret=ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&issuer=Trestle"
    code = qr.encoded(url)
    drawn = [bytearray(code.size) for _ in range(code.size)]
    for x, y, width, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", code.path):
        assert width == back
        drawn[int(y)][int(x) : int(x) + int(width)] = b"\1" * int(width)
    wanted = [bytearray(row) for row in segno.make_qr(url, error="m").matrix_iter(border=4)]
    assert drawn == wanted
