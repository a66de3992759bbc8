"""Events as the two products write them, with every field that they have.

The catalogues stand here a second time on purpose: copied from the products' documents, not from vidne.
"""

import datetime
import uuid

from contract import event as pb

DATA_ACCESS = ["RECORD_SEARCHED", "RECORD_READ", "RECORD_DELETED", "RECORD_EDITED", "RECORD_CREATED"]
VERBS = ["Search", "Read", "Delete", "Edit", "Create"]
SECURITY = [
    ("USER_CREATED", "UserCreated"),
    ("USER_DELETED", "UserDeleted"),
    ("GROUP_CREATED", "GroupCreated"),
    ("GROUP_DELETED", "GroupDeleted"),
    ("PERMISSION_ADDED", "PermissionAdded"),
    ("PERMISSION_DELETED", "PermissionDeleted"),
    ("ADD_TO_GROUP", "AddToGroup"),
    ("REMOVE_FROM_GROUP", "RemoveFromGroup"),
    ("USER_PASSWORD_CHANGED", "UserPasswordChanged"),
    ("GROUP_MODIFIED", "GroupModified"),
    ("USER_PASSWORD_RESET", "UserPasswordReset"),
    ("TENANT_CREATED", "TenantCreated"),
    ("TENANT_DELETED", "TenantDeleted"),
    ("PROJECT_DELETED", "ProjectDeleted"),
    ("PROJECT_CHANGED", "ProjectChanged"),
    ("BATCH_TYPE_CREATED", "BatchTypeCreated"),
    ("BATCH_TYPE_DELETE", "BatchTypeDelete"),
    ("BATCH_TYPE_CHANGED", "BatchTypeChanged"),
    ("TEMPLATE_CREATED", "TemplateCreated"),
    ("TEMPLATE_DELETE", "TemplateDelete"),
    ("TEMPLATE_CHANGED", "TemplateChanged"),
    ("PROJECT_HOT_FOLDER_ENABLE", "ProjectHotFolderEnable"),
    ("PROJECT_HOT_FOLDER_DIABLE", "ProjectHotFolderDiable"),
    ("MANUAL_CLEAN_UP_START", "ManualCleanUpStart"),
    ("CLEAN_UP_ENABLE", "CleanUpEnable"),
    ("CLEAN_UP_DISABLE", "CleanUpDisable"),
    ("AUDITING_CONFIGURATION_CHANGED", "AuditingConfigurationChanged"),
]
START = datetime.datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=datetime.timezone.utc)
ACTOR_NATIONAL_ID = "010203-1234"
SUBJECT_NATIONAL_ID = "311299-4321"


def event_type(name: str) -> int:
    return pb.EventType.Value(f"EVENT_TYPE_{name}")


# EventType -> (type_code or None, type_name)
NAMES = {event_type(name): (None, verb) for name, verb in zip(DATA_ACCESS, VERBS)}
NAMES |= {event_type(name): (code, original) for code, (name, original) in enumerate(SECURITY)}


def new_event(minute: int, **fields) -> pb.Event:
    """An event with an id of its own that happened so many minutes after START."""
    result = pb.Event(event_id=str(uuid.uuid4()), severity=pb.SEVERITY_INFORMATION, outcome=pb.OUTCOME_SUCCESS, **fields)
    result.occurred_time.FromDatetime(START + datetime.timedelta(minutes=minute))
    return result


def data_access(index: int) -> pb.Event:
    """XFlow: all ten fields, the CPR number among them."""
    address = "2001:db8::7" if index % 2 else "192.0.2.7"
    task, form = str(1000 + index), str(2000 + index)
    return new_event(
        index,
        type=event_type(DATA_ACCESS[index]),
        actor=pb.Actor(
            type=pb.ACTOR_TYPE_USER,
            user_id=f"47{index}",
            name="Åse Kjær-Østergård",
            email=f"Ase.{index}@kommune.example",
            initials="ÅKØ",
            organization_id="org-0815",
        ),
        source=pb.Source(ip_address=address),
        targets=[
            pb.Target(role=pb.TARGET_ROLE_OBJECT, type=pb.TARGET_TYPE_TASK, id=task),
            pb.Target(role=pb.TARGET_ROLE_OBJECT, type=pb.TARGET_TYPE_FORM, id=form, name="Ansøgning"),
        ],
        description=f'{address} har udført handlingen "{VERBS[index]}" på blanket med TaskId {task}, BlanketID {form}',
        personal=pb.Personal(actor_national_id=ACTOR_NATIONAL_ID, subject_national_ids=[SUBJECT_NATIONAL_ID, "x-1"]),
    )


def security(code: int) -> pb.Event:
    """FlexiCapture: all eight attributes; a group as the second target where the type has one."""
    name, original = SECURITY[code]
    principal = pb.TARGET_TYPE_GROUP if name.startswith("GROUP") else pb.TARGET_TYPE_USER
    targets = [pb.Target(role=pb.TARGET_ROLE_PRINCIPAL, type=principal, id=f"p-{code}", tenant_id="t-9")]
    if original in ("AddToGroup", "RemoveFromGroup"):
        targets.append(pb.Target(role=pb.TARGET_ROLE_GROUP, type=pb.TARGET_TYPE_GROUP, id="g-1", name="Opérateurs"))
    return new_event(
        100 + code,
        type=event_type(name),
        actor=pb.Actor(type=pb.ACTOR_TYPE_USER, user_id="w-1", name="DOMAIN\\écrivain", tenant_id="t-1"),
        source=pb.Source(ip_address=f"198.51.100.{code}"),
        targets=targets,
        description=f"{original}: détails nº {code}",
    )


def custom() -> pb.Event:
    """Everything else that an event can hold, with text that is easily lost on the way."""
    result = new_event(
        200,
        type=pb.EVENT_TYPE_CUSTOM,
        custom_type="invoice.approved",
        actor=pb.Actor(type=pb.ACTOR_TYPE_SERVICE, user_id="billing", name="line\none\ttab \x01 control"),
        source=pb.Source(ip_address="unknown, behind a proxy", host="app-1.example", user_agent="curl/8 (\"quoted\")"),
        targets=[
            pb.Target(role=pb.TARGET_ROLE_OBJECT, type=pb.TARGET_TYPE_TENANT, tenant_id="only-a-tenant"),
            pb.Target(role=pb.TARGET_ROLE_SUBJECT, type=pb.TARGET_TYPE_OTHER, id="=cmd|' /C calc'!A0"),
        ],
        description="naïve, \"quoted\", 日本語, 🜁, a,b;c\r\nand a second line",
        outcome_reason="over the limit",
        labels={"env": "prod", "region": "dk, west", "empty": ""},
        changes=[pb.Change(field="amount", old_value="1", new_value="2"), pb.Change(field="note", new_value="ny")],
        trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )
    result.severity = pb.SEVERITY_CRITICAL
    result.outcome = pb.OUTCOME_FAILURE
    result.details.update({"nested": {"list": [1.5, True, None, "tekst"], "empty": {}}, "big": 1e300, "Ø": "å"})
    return result
