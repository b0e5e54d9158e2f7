import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * A libmxnet whose functions do what the name they are given says, and a program that calls them: what a test needs to
 * see at the edges of a call, where real MXNet cannot be brought on purpose.
 */
const library = `
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <stdlib.h>
#include <unistd.h>
#define API __attribute__((visibility("default"), noinline))
static int act(const char *name) {
  if (strstr(name, "slow")) usleep(400000);
  if (strstr(name, "stuck")) for (;;) pause();
  if (strstr(name, "segv")) { volatile int *nowhere = 0; *nowhere = 1; }
  if (strstr(name, "abort")) abort();
  if (strstr(name, "quit")) _exit(7);
  if (strstr(name, "leave")) pthread_exit(0);
  if (strstr(name, "become")) execl("/bin/sleep", "sleep", "0.3", (char *)0);
  return strstr(name, "fail") ? -1 : 0;
}
API int MXNDArrayLoad(const char *name, void *a, void *b, void *c, void *d) { int done = act(name); __asm__ volatile("" ::: "memory"); return done; }
API int MXSymbolCreateFromFile(const char *name, void *out) { int done = act(name); __asm__ volatile("" ::: "memory"); return done; }
API int MXLoadLib(const char *name, unsigned verbose) { int done = MXNDArrayLoad("nested.params", 0, 0, 0, 0) | act(name); __asm__ volatile("" ::: "memory"); return done; }
API int MXNDArrayLoadFromBuffer(const void *bytes, size_t size, void *a) { return size == 0 ? -1 : 0; }
API int MXPredCreate(const char *json, const void *params, int size, int a, int b) { return size < 0 ? -1 : 0; }
API int MXCustomOpRegister(const char *name, void *creator) { return 0; }
`;
const program = String.raw`
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
typedef int (*call_t)(const char *, ...);
static void *lib;
static call_t fn(const char *name) { call_t f = (call_t)dlsym(lib, name); if (!f) { puts(dlerror()); exit(9); } return f; }
static void *load(void *name) { fn("MXNDArrayLoad")(name, 0, 0, 0, 0); return 0; }
static struct sockaddr_in at(int port) { struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) }; inet_aton("127.0.0.1", &a.sin_addr); return a; }
int main(int count, char **word) {
  setvbuf(stdout, 0, _IONBF, 0);
  lib = dlopen(word[1], RTLD_NOW);
  if (!lib) { puts(dlerror()); return 9; }
  printf("ready\n");
  for (int i = 2; i < count; i++) {
    const char *verb = word[i];
    if (!strcmp(verb, "register")) fn("MXCustomOpRegister")("x", 0);
    else if (!strcmp(verb, "line")) { char c = 0; while (read(0, &c, 1) == 1 && c != '\n'); }
    else if (!strcmp(verb, "wait")) usleep(atoi(word[++i]) * 1000);
    else if (!strcmp(verb, "cd")) { if (chdir(word[++i])) return 8; }
    else if (!strcmp(verb, "call")) { fn(word[i + 1])(word[i + 2], 0, 0, 0, 0); i += 2; }
    else if (!strcmp(verb, "many")) { int n = atoi(word[++i]); for (int k = 0; k < n; k++) fn("MXNDArrayLoad")("many.params", 0, 0, 0, 0); }
    else if (!strcmp(verb, "length")) { int n = atoi(word[++i]); char *s = malloc(n + 1); memset(s, 'x', n); s[n] = 0; fn("MXNDArrayLoad")(s, 0, 0, 0, 0); }
    else if (!strcmp(verb, "buffer")) fn("MXNDArrayLoadFromBuffer")("12345678", (size_t)atol(word[++i]), 0);
    else if (!strcmp(verb, "predict")) fn("MXPredCreate")("{}", "12345678", atoi(word[++i]), 1, 0);
    else if (!strcmp(verb, "threads")) { pthread_t a, b; pthread_create(&a, 0, load, word[i + 1]); pthread_create(&b, 0, load, word[i + 2]); pthread_join(a, 0); pthread_join(b, 0); i += 2; }
    else if (!strcmp(verb, "aside")) { pthread_t a; pthread_create(&a, 0, load, word[++i]); }
    else if (!strcmp(verb, "run")) { if (!fork()) { execl("/bin/sh", "sh", "-c", word[i + 1], (char *)0); _exit(1); } wait(0); i++; }
    else if (!strcmp(verb, "orphan")) { if (!fork()) { if (!fork()) { usleep(200000); execl("/bin/sh", "sh", "-c", word[i + 1], (char *)0); _exit(1); } _exit(0); } wait(0); i++; }
    else if (!strcmp(verb, "serve")) { int s = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in a = at(atoi(word[++i])); bind(s, (void *)&a, sizeof a); listen(s, 1); }
    else if (!strcmp(verb, "connect")) { int s = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in a = at(atoi(word[++i])); connect(s, (void *)&a, sizeof a); }
    else if (!strcmp(verb, "hand")) { int s = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in a = at(atoi(word[++i])); connect(s, (void *)&a, sizeof a); if (!fork()) { for (int k = 0; k < 3; k++) dup2(s, k); execl("/bin/sh", "sh", (char *)0); _exit(1); } close(s); }
    else if (!strcmp(verb, "talk")) { int s = socket(AF_INET, SOCK_STREAM, 0); struct sockaddr_in a = at(atoi(word[++i])); connect(s, (void *)&a, sizeof a); char b[5000]; memset(b, 1, sizeof b); send(s, b, sizeof b, 0); recv(s, b, sizeof b, MSG_PEEK); recv(s, b, sizeof b, 0); close(s); }
    else { printf("unknown %s\n", verb); return 7; }
    printf("did %s\n", verb);
  }
  return 0;
}
`;

export interface StandIn extends Disposable {
  readonly folder: string;
  readonly library: string;
  readonly program: string;
}

/** Built anew in its own folder, so that its inode is nobody else's: other tests' probes do not see it. `change` alters the library's source. */
export function buildStandIn(change = (source: string): string => source): StandIn {
  const folder = mkdtempSync(join(tmpdir(), 'mxwarden-standin-'));
  const made = { folder, library: join(folder, 'libmxnet.so'), program: join(folder, 'act') };
  writeFileSync(join(folder, 'library.c'), change(library));
  writeFileSync(join(folder, 'program.c'), program);
  compile(['-shared', '-fPIC', '-O1', '-pthread', '-o', made.library, join(folder, 'library.c')]);
  compile(['-O1', '-pthread', '-o', made.program, join(folder, 'program.c'), '-ldl']);
  return { ...made, [Symbol.dispose]() { rmSync(folder, { recursive: true, force: true }); } };
}

export function compile(words: readonly string[]): void {
  const { status, stderr, error } = spawnSync('cc', ['-w', ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cc ${words.join(' ')}: ${error ?? stderr}`);
}
export const hasCompiler = spawnSync('cc', ['--version']).status === 0;
