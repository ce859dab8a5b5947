"""One transaction explained: folded by itself, and asked what else its values could have been."""

from collections.abc import Sequence

from fraudwatch.alerts import written
from fraudwatch.alerts.alert import Position
from fraudwatch.alerts.episodes import Queue
from fraudwatch.alerts.policy import worth_saying
from fraudwatch.alerts.sentences import sentence
from fraudwatch.explain import words
from fraudwatch.explain.crossing import Crossing, crossing
from fraudwatch.explain.explanation import Change, Decided, ExplainedReason, Explanation, Standing
from fraudwatch.explain.moment import Moment
from fraudwatch.explain.own_history import OwnHistory
from fraudwatch.explain.subjects import subjects
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Outcome, Record

ALERTS = (Decided.OPENED, Decided.UPDATED, Decided.JOINED)


def explained(pipeline: Pipeline, record: Record, before: Sequence[Record]) -> Explanation:
    """Fold the record into the pipeline, which stands just before it, and say all there is to say.

    `before` are the records of its account that lie before it in the log. The record must be one that is decoded.
    """
    moment = Moment(pipeline, record)
    standings = _standings(moment)
    decided = _decided(moment, is_reached=any(one.is_reached for one in standings))
    own = OwnHistory(moment, before)
    found: list[Crossing] = []
    if moment.is_scored:
        asked = [crossing(moment, subject, decided in ALERTS) for subject in subjects(moment, own)]
        found = [one for one in asked if one is not None]
    changes = [_change(moment, one, standings, decided) for one in found]
    transaction, currency = moment.transaction, moment.settings.currency
    outcome = Outcome(int(moment.batch.assessments.outcome[0]))
    alert_id = moment.batch.assessments.alert_ids.get(0)
    return Explanation(
        transaction_id=transaction.transaction_id,
        account_id=transaction.account_id,
        event_time=written.instant(transaction.event_time_ms),
        amount=written.decimal_text(transaction.amount_minor, currency),
        amount_minor=transaction.amount_minor,
        currency=currency,
        position=Position(record.topic, record.partition, record.offset),
        outcome=outcome.name.lower(),
        decided=decided,
        alert_id=alert_id,
        severity=next((alert.severity for alert in moment.batch.alerts), None),
        model_version=moment.model.version if pipeline.model is not None else None,
        is_whole=own.is_whole,
        standings=standings,
        reasons=_reasons(moment, changes),
        lanes=tuple(change for change in changes if not change.reasons),
        nearest=min((one for one in changes if one.suffices), key=lambda one: one.moved, default=None),
        headline=words.headline(transaction, currency),
        verdict=words.verdict(decided, outcome, alert_id),
    )


def _standings(moment: Moment) -> tuple[Standing, ...]:
    """The amount queue, then every lane that is watched."""
    if not moment.is_scored:
        return ()
    lanes = (None, *moment.lanes)
    said, edges = moment.said(moment.observed)[0].tolist(), moment.edges.tolist()
    return tuple(
        Standing(
            queue=Queue.AMOUNT if lane is None else Queue.TYPOLOGY,
            lane=None if lane is None else lane.name,
            score=score,
            edge=edge,
            distance=score - edge,
            rank=moment.rank(place, score),
            sentence=None if lane is None or score < edge else lane.sentence,
        )
        for place, (lane, score, edge) in enumerate(zip(lanes, said, edges, strict=True))
    )


def _decided(moment: Moment, *, is_reached: bool) -> Decided:
    batch = moment.batch
    if not moment.is_scored:
        return Decided.UNSCORED
    if batch.cut:
        return Decided.CUT
    if 0 not in batch.assessments.alert_ids:
        return Decided.UNREADABLE if is_reached else Decided.BELOW
    if not batch.alerts:
        return Decided.JOINED
    (alert,) = batch.alerts
    if alert.sample:
        return Decided.SAMPLE
    return Decided.UPDATED if alert.kind == "update" else Decided.OPENED


def _change(moment: Moment, one: Crossing, standings: Sequence[Standing], decided: Decided) -> Change:
    specs = moment.model.specs
    return Change(
        of=one.subject.name,
        reasons=tuple(specs[place].code for place in one.subject.features),
        unit=one.subject.unit,
        was=one.subject.was,
        at=one.at,
        stated=one.stated,
        form=one.form,
        moved=one.moved,
        suffices=one.suffices,
        sentence=words.change(
            one,
            reached=any(standing.is_reached for standing in standings),
            is_alert=decided in ALERTS,
            currency=moment.settings.currency,
        ),
    )


def _reasons(moment: Moment, changes: Sequence[Change]) -> tuple[ExplainedReason, ...]:
    """All, the strongest first; what adds alike in the model's order."""
    if not moment.is_scored:
        return ()
    reasons = moment.batch.reasons_of(0)
    said = {reason.spec.code for reason in worth_saying(reasons)}
    by_code = {code: change for change in changes for code in change.reasons}
    return tuple(
        ExplainedReason(
            code=reason.spec.code,
            name=reason.spec.name,
            theme=reason.spec.theme,
            role=reason.spec.role,
            unit=reason.spec.unit,
            value=reason.value,
            usual=reason.usual,
            surprise=reason.surprise,
            lift=reason.contribution,
            sentence=sentence(reason, moment.settings.currency) if reason.spec.code in said else None,
            change=by_code.get(reason.spec.code),
        )
        for reason in sorted(reasons, key=lambda reason: -reason.contribution)
    )
