/*
 * The first program of a guest: loads what its kernel needs to see a disk, makes the disk its root, and hands over to the
 * script `/guest/begin` there. Linked statically: there is nothing else in the first file system.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void fail(const char *what) { perror(what); reboot(RB_AUTOBOOT); }

static int isModule(const struct dirent *entry) { return strstr(entry->d_name, ".ko") != 0; }

/* In the order of their names. */
static void loadModules(void) {
  struct dirent **found;
  int count = scandir("/modules", &found, isModule, alphasort);
  for (int i = 0; i < count; i++) {
    char path[512];
    snprintf(path, sizeof path, "/modules/%s", found[i]->d_name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0 || syscall(SYS_finit_module, file, "", 0)) perror(path);
    close(file);
  }
}

static void copy(const char *from, const char *to) {
  char bytes[4096];
  int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  if (in < 0 || out < 0) fail(to);
  for (ssize_t got; (got = read(in, bytes, sizeof bytes)) > 0;) if (write(out, bytes, got) != got) fail(to);
  close(in);
  close(out);
}

static void raiseLoopback(void) {
  struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
  int any = socket(AF_INET, SOCK_DGRAM, 0);
  if (any < 0 || ioctl(any, SIOCSIFFLAGS, &request)) perror("lo");
  close(any);
}

int main(void) {
  mkdir("/dev", 0755);
  mkdir("/root", 0755);
  if (mount("dev", "/dev", "devtmpfs", 0, 0)) fail("/dev");
  int console = open("/dev/console", O_RDWR);
  for (int each = 0; each < 3; each++) dup2(console, each);
  loadModules();
  for (int tries = 0; access("/dev/vda", F_OK) && tries < 600; tries++) usleep(50000);
  if (mount("/dev/vda", "/root", "ext4", 0, 0)) fail("/dev/vda");
  copy("/command", "/root/guest/command");
  raiseLoopback();
  if (mount("/dev", "/root/dev", 0, MS_MOVE, 0) || chdir("/root") || mount(".", "/", 0, MS_MOVE, 0) || chroot(".")) fail("root");
  execl("/bin/sh", "sh", "/guest/begin", (char *)0);
  fail("/guest/begin");
}
