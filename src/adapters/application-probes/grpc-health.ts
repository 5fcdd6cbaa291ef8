/**
 * One call of the gRPC health protocol (grpc.health.v1.Health/Check) without TLS, as the kubelet
 * makes it. Of gRPC it needs a frame around a message of one field, and the status in the trailers.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import type { ApplicationAnswer, GrpcQuestion } from '../../ports.ts';

const MOST_BODY_BYTES = 10_240;
const FRAME_HEAD_BYTES = 5;
const SERVICE_FIELD = 0x0a;
const STATUS_FIELD = 0x08;
const HEALTH = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'] as const;
const UNIMPLEMENTED = '12';

/** Answered by 200 when it says SERVING. @throws an Error that tells what it says instead */
export async function askGrpc(
  question: GrpcQuestion,
  signal: AbortSignal,
): Promise<ApplicationAnswer> {
  // Here and not above: in the bundle that would be loaded before Envoy is started.
  const { connect } = await import('node:http2');
  signal.throwIfAborted();
  const { host, port, localAddress } = question;
  const from = localAddress === undefined ? {} : { localAddress };
  const session = connect('http://application', {
    createConnection: () => connectTcp({ host, port, ...from, signal }),
  });
  try {
    const health = healthIn(await call(session, question.service));
    if (health !== 'SERVING') throw new Error(`it says ${health}`);
    return { isAnswered: true, status: 200, body: Buffer.alloc(0) };
  } finally {
    session.destroy();
  }
}

function call(session: ClientHttp2Session, service: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    session.once('error', reject);
    session.once('close', () => reject(new Error('it closed the connection')));
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    stream.once('error', reject);
    readMessage(stream).then(resolve, reject);
    stream.end(framed(service));
  });
}

async function readMessage(stream: ClientHttp2Stream): Promise<Buffer> {
  const told: IncomingHttpHeaders = {};
  stream.once('response', (headers) => Object.assign(told, headers));
  stream.once('trailers', (trailers) => Object.assign(told, trailers));
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    byteCount += chunk.length;
    if (byteCount > MOST_BODY_BYTES) throw new Error('its answer is too long');
  }
  const status = told['grpc-status'];
  if (Number(told[':status']) !== 200) throw new Error('it does not speak gRPC');
  if (status === UNIMPLEMENTED) throw new Error('it does not implement grpc.health.v1.Health');
  if (status !== '0') throw new Error(`it answers with the gRPC status ${Number(status)}`);
  return Buffer.concat(chunks);
}

/** Not compressed, its length, and the message with the service in it. */
function framed(service: string): Buffer {
  const name = Buffer.from(service);
  const message =
    name.length === 0 ? name : Buffer.concat([varintAfter(SERVICE_FIELD, name.length), name]);
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function varintAfter(tag: number, value: number): Buffer {
  const bytes = [tag];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** A field that has its default is left out. */
function healthIn(frame: Buffer): string {
  const message = frame.subarray(FRAME_HEAD_BYTES);
  if (frame.length < FRAME_HEAD_BYTES || frame[0] !== 0) return 'nothing that can be read';
  if (message.length === 0) return HEALTH[0];
  const [tag, value = 0] = message;
  return (tag === STATUS_FIELD ? HEALTH[value] : undefined) ?? 'nothing that can be read';
}
