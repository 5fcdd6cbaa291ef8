/** What must be true after every event, whatever happened: the promises of the core, in words. */
import type { Effect } from '../../src/core/events.ts';
import type { HandoverId, Policy, RequestId } from '../../src/core/model.ts';
import { must } from './broken-rule.ts';
import { checkLaunch } from './launch-rules.ts';
import { checkService, checkSignal } from './service-rules.ts';
import { isLiving } from './simulated-envoy.ts';
import type { SimulatedWorld, Transition } from './simulated-world.ts';
import { checkState } from './state-rules.ts';

export interface Rules {
  /** @throws BrokenRule */
  readonly check: (transition: Transition) => void;
  /** Requests that nobody has answered. */
  readonly unanswered: () => readonly RequestId[];
  readonly exits: () => number;
  /** Whether what was refused last was tried and failed, instead of being kept from a try. */
  readonly isBlamed: () => boolean;
}

function isAnswer({ type }: Effect): boolean {
  return type === 'reportHandover';
}

type Of<Type extends Effect['type']> = Effect & { readonly type: Type };

export function createRules(policy: Policy, worldOf: () => SimulatedWorld): Rules {
  const asked = new Set<RequestId>();
  const answered = new Set<RequestId>();
  const ended = new Set<HandoverId>();
  let exitCount = 0;
  let isBlamed = false;

  function check(transition: Transition): void {
    const { event, effects } = transition;
    if (event.type === 'restartRequested' && event.request) asked.add(event.request);
    // Where there is nothing to replace nobody waits for an answer.
    const isAwaited =
      event.type === 'undrainRequested' &&
      (transition.after.drained?.returning?.includes(event.request) || effects.some(isAnswer));
    if (isAwaited) asked.add(event.request);
    checkState(transition, policy);
    checkRefusal(transition);
    checkService(transition, worldOf());
    checkEnds(transition);
    checkDelivered(transition);
    for (const effect of effects) checkEffect(effect, transition);
  }

  function checkEffect(effect: Effect, transition: Transition): void {
    if (effect.type === 'launchEnvoy') checkLaunch(effect, transition, worldOf());
    if (effect.type === 'signalLaunch') checkSignal(effect, transition, worldOf());
    if (effect.type === 'reportHandover') checkReport(effect);
    if (effect.type === 'exitAgent') checkExit(transition);
  }

  /** What could not be tried is tried again by itself; what was tried and failed is not. */
  function checkRefusal({ before, event, after, effects }: Transition): void {
    const isSecondThought = event.type === 'timerFired' && event.timer === 'reconsider';
    const isForgotten = before.refused !== undefined && after.refused === undefined;
    const isAllowed = !(isSecondThought && isForgotten && isBlamed);
    must('what is refused for good is not tried again by itself', isAllowed);
    const isGivenUp = effects.some((effect) => {
      return effect.type === 'reportHandover' && /refused|rolledBack/.test(effect.end.result);
    });
    const { aim, scope, askedMode } = before.handover ?? {};
    // A mode that someone named could not be had: that says nothing against the change.
    const isOfMode = event.type === 'checksPassed' && askedMode !== 'auto';
    if (isGivenUp && aim === 'change' && scope === undefined && !isOfMode) {
      isBlamed = !(event.type === 'checksFailed' && event.isTransient);
    }
  }

  /** A late proof is of an older handover, and none that ended since is forgotten for it. */
  function checkEnds({ before, after }: Transition): void {
    const [was, is] = [before.lastEnd?.endedAtMs ?? 0, after.lastEnd?.endedAtMs ?? 0];
    must('the last end is never an older one', is >= was);
  }

  function checkDelivered({ event, effects, before, after }: Transition): void {
    const begun = effects.filter(({ type }) => type === 'deliverCertificates').length;
    const isOpen = before.delivery !== undefined && after.delivery === before.delivery;
    must('one delivery is under way at a time', begun === 0 || (begun === 1 && !isOpen));
    if (event.type !== 'certificatesDelivered' || before.delivery?.handover !== event.handover)
      return;
    const given = before.delivery.launches;
    must(
      'who was given other certificates is not unproved',
      after.launches.every(({ id, unproved }) => !given.includes(id) || unproved === undefined),
    );
  }

  function checkReport({ end, requests }: Of<'reportHandover'>): void {
    if (end.id !== undefined) {
      must('a handover ends once', !ended.has(end.id));
      ended.add(end.id);
    }
    for (const request of requests) {
      must('only who asked is answered', asked.has(request));
      must('a request is answered once', !answered.has(request));
      answered.add(request);
    }
  }

  function checkExit({ after }: Transition): void {
    exitCount += 1;
    must('the agent exits once', exitCount === 1);
    must('nobody is known to be left behind at the exit', after.launches.length === 0);
    must('no timer is left at the exit', after.timers.size === 0);
    must(
      'only what the kernel keeps outlives the agent',
      worldOf().envoys.every((envoy) => !isLiving(envoy) || envoy.fate.ignoresSigkill),
    );
  }

  return {
    check,
    unanswered: () => [...asked].filter((request) => !answered.has(request)),
    exits: () => exitCount,
    isBlamed: () => isBlamed,
  };
}
