/** The last stage of a Dockerfile, as far as it is needed to make and run it without an engine. */
export interface LastStage {
  /** Shell lines, in order. */
  readonly run: readonly string[];
  readonly copies: readonly Copy[];
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly gid: number;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
}

export interface Copy {
  /** `<stage>:<path>`, or the path alone when it comes from the build context. */
  readonly source: string;
  readonly target: string;
  /** Permissions asked for; absent: those of the source. */
  readonly mode: number | undefined;
}

interface Instruction {
  readonly keyword: string;
  readonly rest: string;
}

/**
 * Reads the last stage out of a Dockerfile's text. Instructions that leave the file system and the
 * process alone are passed over; shell forms, variables and globs are not understood.
 *
 * @throws Error naming the instruction that is none of these.
 */
export function lastStage(dockerfile: string): LastStage {
  const all = instructions(dockerfile);
  const begin = all.findLastIndex(({ keyword }) => keyword === 'FROM');
  const stage = all.slice(begin + 1);
  stage.forEach(assertUnderstood);
  const [uid = Number.NaN, gid = Number.NaN] = only(stage, 'USER').split(':').map(Number);
  return {
    run: every(stage, 'RUN'),
    copies: every(stage, 'COPY').map(parseCopy),
    env: Object.fromEntries(every(stage, 'ENV').map((rest) => parsePair(rest))),
    uid,
    gid,
    entrypoint: parseList(only(stage, 'ENTRYPOINT')),
    command: parseList(only(stage, 'CMD')),
    healthCheck: parseList(only(stage, 'HEALTHCHECK').replace(/^.*CMD\s+/, '')),
  };
}

const understood = ['RUN', 'COPY', 'ENV', 'USER', 'ENTRYPOINT', 'CMD', 'HEALTHCHECK'];
const harmless = ['LABEL', 'EXPOSE', 'STOPSIGNAL'];

function assertUnderstood({ keyword, rest }: Instruction): void {
  if (!understood.includes(keyword) && !harmless.includes(keyword)) {
    throw new Error(`Cannot read the Dockerfile's last stage: ${keyword} ${rest}`);
  }
}

function instructions(dockerfile: string): Instruction[] {
  return dockerfile
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [keyword = '', ...rest] = line.trim().split(/\s+/);
      return { keyword: keyword.toUpperCase(), rest: rest.join(' ') };
    });
}

function every(stage: readonly Instruction[], keyword: string): string[] {
  return stage.filter((one) => one.keyword === keyword).map(({ rest }) => rest);
}

function only(stage: readonly Instruction[], keyword: string): string {
  const found = every(stage, keyword);
  if (found.length !== 1) {
    throw new Error(`Expected the last stage to have one ${keyword}, got ${found.length}`);
  }
  return found.join();
}

function parseCopy(rest: string): Copy {
  const words = rest.split(' ');
  const flag = (name: string) =>
    words.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const [source = '', target = '', ...more] = words.filter((word) => !word.startsWith('--'));
  if (target === '' || more.length > 0 || source.includes('*')) {
    throw new Error(`Expected COPY to have one file and one target, got "${rest}"`);
  }
  const stage = flag('from');
  const mode = flag('chmod');
  return {
    source: stage === undefined ? source : `${stage}:${source}`,
    target,
    mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
  };
}

function parsePair(rest: string): [name: string, value: string] {
  const [name = '', ...value] = rest.split('=');
  return [name, value.join('=')];
}

function parseList(json: string): string[] {
  if (!json.startsWith('[')) throw new Error(`Expected a list of words, got ${json}`);
  return (JSON.parse(json) as unknown[]).map(String);
}
