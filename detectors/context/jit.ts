import type { Process } from '../../agent/contract/process.ts';
import { nameOf } from './wording.ts';

/** Programs that compile while they run, so that executable memory says nothing about them. */
const compilers = /^(node(js)?|deno|bun|java|luajit|pypy3?|julia|dotnet|pwsh|php|ruby|gdb|erl|beam\.smp|wasmtime|wasmer|chrome|chromium|headless_shell|kaleido|firefox|qemu-system-\w+)([-\d.]+\w*)?$/;

export const runsGeneratedCode = ({ executable }: Process): boolean => compilers.test(nameOf(executable.path).toLowerCase());
