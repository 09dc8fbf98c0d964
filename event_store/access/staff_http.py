"""The endpoints with which the back office records who signed in, and keeps recovery codes and locks."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from event_store.access.staff import LockChange, StaffAccess, StaffLock, staff_locks
from event_store.event_log import ConnectionLog
from infra.http.operations import READ, WRITE, answer, documented, operation_of, operator_of
from schemas.http.operations import OperationAnswer, ReasonBody
from schemas.http.staff import (
    RecoveryCodeBody,
    RecoveryCodes,
    RecoveryCodesLeft,
    SignInBody,
    StaffLockList,
    StaffSessionsEndedAnswer,
)
from schemas.http.times import timestamp

router = APIRouter(tags=["staff"])

Name = Annotated[
    str, Path(pattern=r"^[A-Za-z][A-Za-z0-9._@+-]{0,63}$", description="A name, as people log in to the back office.")
]


@router.post("/staff/{name}/sign-ins", **documented(OperationAnswer, WRITE, body=SignInBody, description="Recorded"))
async def create_sign_in(request: Request, name: Name) -> Response:
    """Record that somebody of the staff began a session. For somebody who is locked it is 409 `operation_refused`."""
    async with operation_of(request, WRITE, SignInBody) as call:
        staff = StaffAccess(call.conn, ConnectionLog(call.conn), name=name, actor=call.actor)
        await staff.sign_in(role=call.body.role, second_factor=call.body.second_factor, method=call.body.method)
    return answer({"said": "It is recorded."})


@router.get("/staff/{name}/recovery-codes", **documented(RecoveryCodesLeft, READ))
async def get_recovery_codes(request: Request, name: Name) -> Response:
    """Show how many recovery codes somebody has left."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        left = await StaffAccess(conn, ConnectionLog(conn), name=name, actor=operator.actor).codes_left()
    return answer({"left": left})


@router.post("/staff/{name}/recovery-codes", **documented(RecoveryCodes, WRITE, body=ReasonBody, description="Made"))
async def create_recovery_codes(request: Request, name: Name) -> Response:
    """Give somebody ten new recovery codes, shown this once. The old ones are not valid any more."""
    async with operation_of(request, WRITE, ReasonBody) as call:
        staff = StaffAccess(call.conn, ConnectionLog(call.conn), name=name, actor=call.actor)
        codes = await staff.make_codes(reason=call.body.reason)
    return answer({"codes": list(codes)})


@router.post(
    "/staff/{name}/recovery-codes/use",
    **documented(RecoveryCodesLeft, WRITE, body=RecoveryCodeBody, description="It was valid, and is used up"),
)
async def use_recovery_code(request: Request, name: Name) -> Response:
    """Use up a recovery code. One that is not valid is 409 `operation_refused`."""
    async with operation_of(request, WRITE, RecoveryCodeBody) as call:
        staff = StaffAccess(call.conn, ConnectionLog(call.conn), name=name, actor=call.actor)
        left = await staff.use_code(call.body.code)
    return answer({"left": left})


@router.get("/staff-locks", **documented(StaffLockList, READ))
async def list_staff_locks(request: Request) -> Response:
    """List who of the staff is locked, and who was: by whom, when and why."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        found = await staff_locks(conn)
    return answer({"data": [_view(each) for each in found]})


@router.post("/staff/{name}/lock", **documented(OperationAnswer, WRITE, body=ReasonBody, description="They are locked"))
async def lock_staff(request: Request, name: Name) -> Response:
    """Keep somebody of the staff out, and end their sessions, until they are unlocked."""
    async with operation_of(request, WRITE, ReasonBody) as call:
        staff = StaffAccess(call.conn, ConnectionLog(call.conn), name=name, actor=call.actor)
        change = await staff.lock(reason=call.body.reason)
    return answer({"said": _said_of_lock(name, change)})


@router.post(
    "/staff/{name}/unlock", **documented(OperationAnswer, WRITE, body=ReasonBody, description="They are not locked")
)
async def unlock_staff(request: Request, name: Name) -> Response:
    """Let somebody of the staff log in again. Sessions from before the lock stay ended."""
    async with operation_of(request, WRITE, ReasonBody) as call:
        staff = StaffAccess(call.conn, ConnectionLog(call.conn), name=name, actor=call.actor)
        change = await staff.unlock(reason=call.body.reason)
    return answer({"said": f"{name} is unlocked." if change.is_new else f"{name} was not locked."})


@router.post(
    "/staff/{name}/end-sessions",
    **documented(StaffSessionsEndedAnswer, WRITE, body=ReasonBody, description="They end"),
)
async def end_staff_sessions(request: Request, name: Name) -> Response:
    """End all sessions that somebody of the staff has, in every process of the back office. They may log in again."""
    async with operation_of(request, WRITE, ReasonBody) as call:
        staff = StaffAccess(call.conn, ConnectionLog(call.conn), name=name, actor=call.actor)
        end = await staff.end_sessions(reason=call.body.reason)
    said = f"All sessions of {name} end."
    return answer({"said": said, "position": end.position, "position_before": end.position_before})


def _said_of_lock(name: str, change: LockChange) -> str:
    if change.held is not None:
        return f"{name} was locked before, by {change.held.actor}: {change.held.reason}"
    hint = "" if change.is_known else " Nothing was ever recorded of that name: check how it is written."
    return f"{name} is locked.{hint}"


def _view(lock: StaffLock) -> dict[str, Any]:
    return {
        "name": lock.name,
        "is_locked": lock.is_locked,
        "actor": lock.actor,
        "reason": lock.reason,
        "changed_at": timestamp(lock.changed_at),
        "lock_position": lock.lock_position,
    }
