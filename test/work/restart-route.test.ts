import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import type { HttpAnswer } from '../../src/ports.ts';
import { controlRoutes, statusRoutes } from '../../src/work/routes.ts';
import { committedEnd, type FakeAgentFace, fakeAgentFace } from '../support/agent-face.ts';
import { httpRequest } from '../support/http-requests.ts';

const SOCKET = { transport: 'unix', peer: '', headers: { host: ['baton'] } } as const;

function post(face: FakeAgentFace, query: string): Promise<HttpAnswer> {
  return controlRoutes(face)(
    httpRequest({ target: `/restart${query}`, method: 'POST', ...SOCKET }),
  );
}

describe('a restart', () => {
  test('is asked for in the mode of the query and answered with its end', async () => {
    const face = fakeAgentFace();
    const answer = await post(face, '?mode=side-by-side');
    expect(face.asked).toEqual(['restart side-by-side']);
    expect(JSON.parse(String(answer.body))).toEqual({
      result: 'committed',
      mode: 'hot',
      attempts: 0,
    });
  });

  test.each(['refused', 'rolledBack', 'abandoned'] as const)(
    'is answered 409 when %s',
    async (result) => {
      const end = { ...committedEnd, result, reason: 'It was not to be.' };
      const answer = await post(fakeAgentFace({ end }), '');
      expect(answer.status).toBe(409);
      expect(JSON.parse(String(answer.body))).toMatchObject({ result, reason: end.reason });
    },
  );

  test('is not begun when the mode is unknown', async () => {
    const face = fakeAgentFace();
    for (const query of ['?mode=warm', '?mode=warm&dry-run=true']) {
      expect(await post(face, query)).toMatchObject({
        status: 400,
        body: 'Expected mode to be one of auto, hot, side-by-side, cold.\n',
      });
    }
    expect(face.asked).toEqual([]);
  });

  test('is answered line by line when asked to', async () => {
    const end = { ...committedEnd, result: 'refused' } as const;
    const notes = [{ note: 'waits' }, undefined];
    const { status, body } = await post(fakeAgentFace({ end, notes }), '?progress=true');
    expect(status).toBe(200);
    if (typeof body === 'string' || Buffer.isBuffer(body)) throw new Error('Answered whole.');
    expect((await text(body)).split('\n')).toEqual([
      '{"note":"waits"}',
      '',
      '{"result":"refused","mode":"hot","attempts":0}',
      '',
    ]);
  });
});

describe('a dry run', () => {
  const found = { passed: true, problems: [], held: [], changes: [] };

  test.each([
    ['?dry-run=true', 'auto'],
    ['?dry-run', 'auto'],
    ['?dry-run=1&progress=true&mode=hot', 'hot'],
  ])('is all that %s asks for', async (query, mode) => {
    const face = fakeAgentFace({ dryRun: found });
    const answer = await post(face, query);
    expect(face.asked).toEqual([`dry run ${mode}`]);
    expect(answer.status).toBe(200);
    expect(JSON.parse(String(answer.body))).toEqual(found);
  });

  test('is none when it is said not to be', async () => {
    const face = fakeAgentFace();
    await post(face, '?dry-run=false');
    expect(face.asked).toEqual(['restart auto']);
  });

  test('that did not pass is answered 409, and 429 while another one is under way', async () => {
    const failed = { ...found, passed: false, problems: ['x'] };
    expect(await post(fakeAgentFace({ dryRun: failed }), '?dry-run=true')).toMatchObject({
      status: 409,
    });
    expect(await post(fakeAgentFace(), '?dry-run=true')).toMatchObject({ status: 429 });
  });

  test('is for local askers alone', async () => {
    const face = fakeAgentFace({ dryRun: found });
    const target = '/restart?dry-run=true';
    const remote = httpRequest({ target, method: 'POST', peer: '10.1.2.3' });
    expect(await statusRoutes(face)(remote)).toMatchObject({ status: 403 });
    expect(await statusRoutes(face)(httpRequest({ target }))).toMatchObject({ status: 405 });
    expect(face.asked).toEqual([]);
  });
});
