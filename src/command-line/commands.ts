/** What the command line calls, each with the options that were given. */
import type { Mode } from '../core/model.ts';
import type { CommandWords, Shell } from './words.ts';

/** One function per command; each answers with the exit code of the process. */
export interface Commands {
  readonly run: (envoyArgs: readonly string[]) => Promise<number>;
  readonly validate: () => Promise<number>;
  readonly render: (options: RenderOptions) => Promise<number>;
  readonly settings: (options: { readonly format: SettingsFormat }) => Promise<number>;
  readonly status: (options: StatusOptions) => Promise<number>;
  readonly history: (options: { readonly json: boolean }) => Promise<number>;
  readonly restart: (options: RestartOptions) => Promise<number>;
  readonly wait: (options: { readonly timeoutMs: number }) => Promise<number>;
  readonly logging: (options: LoggingOptions) => Promise<number>;
  readonly drain: (options: DrainOptions) => Promise<number>;
  readonly undrain: (options: { readonly timeoutMs: number }) => Promise<number>;
  readonly quit: () => Promise<number>;
  readonly request: (options: RequestOptions) => Promise<number>;
  readonly completion: (options: CompletionOptions) => Promise<number>;
  readonly version: () => Promise<number>;
}

export interface RenderOptions {
  readonly epoch: number;
  /** Also the command line. */
  readonly withArgs: boolean;
}

export type SettingsFormat = 'table' | 'json' | 'markdown';

export interface StatusOptions {
  readonly json: boolean;
  /** Again and again, until it is told to end. */
  readonly watch: boolean;
}

export interface RestartOptions {
  readonly mode: 'auto' | Mode;
  readonly isDryRun: boolean;
  readonly timeoutMs: number;
}

export interface DrainOptions {
  /** How long to wait for the last connection; absent: not at all. */
  readonly waitMs: number | undefined;
}

export interface LoggingOptions {
  readonly level: string;
  readonly forMs: number | undefined;
}

export interface RequestOptions {
  readonly method: string;
  readonly path: string;
}

export interface CompletionOptions {
  readonly shell: Shell;
  /** Of the whole program. */
  readonly commands: readonly CommandWords[];
}
