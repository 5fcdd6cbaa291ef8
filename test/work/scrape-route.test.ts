import { describe, expect, test } from 'vitest';
import type { HttpRequest } from '../../src/ports.ts';
import { statusRoutes } from '../../src/work/routes.ts';
import type { Scrape, ScrapeQuestion } from '../../src/work/scrape.ts';
import { fakeAgentFace } from '../support/agent-face.ts';
import { httpRequest } from '../support/http-requests.ts';

async function* page() {
  yield Buffer.from('baton_ready 1\n');
}

async function ask(facts: Partial<HttpRequest>, scrape: Scrape = page) {
  const questions: ScrapeQuestion[] = [];
  const noted: Scrape = (question) => {
    questions.push(question);
    return scrape(question);
  };
  const target = '/stats/prometheus';
  const face = fakeAgentFace({ scrape: noted });
  const answer = await statusRoutes(face)(httpRequest({ target, peer: '10.1.2.3', ...facts }));
  return { answer, questions };
}

describe('the merged page of the status port', () => {
  test.each([
    undefined,
    'text/plain;version=0.0.4',
    'application/openmetrics-text;version=1.0.0',
    'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited',
    ';;;q=x,',
  ])('is text to who accepts %s', async (accept) => {
    const headers = accept === undefined ? {} : { accept: [accept], 'accept-encoding': ['gzip'] };
    const { answer } = await ask({ headers });

    expect(answer.status).toBe(200);
    expect(answer.headers).toEqual({ 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  });

  test('takes no longer than the scraper says', async () => {
    const headers = { 'x-prometheus-scrape-timeout-seconds': ['2', '100'] };
    const { questions } = await ask({ headers });

    expect(questions).toEqual([{ timeoutMs: 900, isUsedOnly: false }]);
  });

  test('passes of the query on what is known to be harmless', async () => {
    const target = '/stats/prometheus?filter=(a*)*b&usedonly&text_readouts';
    const { questions } = await ask({ target });

    expect(questions).toEqual([{ timeoutMs: 4_500, isUsedOnly: true }]);
  });

  test('is refused to those who come too many at once', async () => {
    const { answer } = await ask({}, () => undefined);

    expect(answer).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  });

  test('is refused to our own question, that came back', async () => {
    const { answer, questions } = await ask({ headers: { 'baton-scrape': ['1'] } });

    expect(answer.status).toBe(508);
    expect(questions).toEqual([]);
  });
});
