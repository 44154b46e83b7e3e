/* SPDX-License-Identifier: Apache-2.0
 * The control socket's file: never somebody else's, never left behind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "reactor/control_socket.h"
#include "unit.h"

struct place {
    char dir[32], path[48];
};

static void place_make(struct place *p)
{
    strcpy(p->dir, "/tmp/reeve-unit-XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    snprintf(p->path, sizeof(p->path), "%s/s", p->dir);
}

static void place_remove(struct place *p)
{
    unlink(p->path);
    cr_expect_eq(rmdir(p->dir), 0, "nothing is left behind");
}

Test(control_socket, is_made_for_owner_and_group_and_removed)
{
    struct place p;
    struct control_socket s;
    struct diag diag = {0};
    struct stat st;
    place_make(&p);
    umask(0);
    cr_assert_eq(control_socket_open(p.path, NULL, &s, &diag), OK, "%s", diag.text);
    cr_assert_eq(stat(p.path, &st), 0);
    cr_expect(S_ISSOCK(st.st_mode));
    cr_expect_eq(st.st_mode & 07777, 0660);
    cr_expect(control_socket_is_there(&s));
    control_socket_close(&s);
    cr_expect_eq(access(p.path, F_OK), -1);
    cr_expect_not(control_socket_is_there(&s));
    control_socket_close(&s);
    place_remove(&p);
}

Test(control_socket, is_not_taken_from_the_living)
{
    struct place p;
    struct control_socket first, second;
    struct diag diag = {0};
    place_make(&p);
    cr_assert_eq(control_socket_open(p.path, NULL, &first, &diag), OK);
    cr_expect_eq(control_socket_open(p.path, NULL, &second, &diag), ERR_EXISTS);
    cr_expect_not_null(strstr(diag.text, "another server"), "%s", diag.text);
    cr_expect(control_socket_is_there(&first));
    control_socket_close(&first);
    place_remove(&p);
}

Test(control_socket, replaces_what_the_dead_have_left)
{
    struct place p;
    struct control_socket s;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct diag diag = {0};
    place_make(&p);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(a.sun_path, p.path);
    cr_assert_eq(bind(dead, (struct sockaddr *)&a, sizeof(a)), 0);
    close(dead);
    cr_expect_eq(control_socket_open(p.path, NULL, &s, &diag), OK, "%s", diag.text);
    control_socket_close(&s);
    place_remove(&p);
}

Test(control_socket, removes_its_own_file_only)
{
    struct place p;
    struct control_socket first, second;
    struct diag diag = {0};
    place_make(&p);
    cr_assert_eq(control_socket_open(p.path, NULL, &first, &diag), OK);
    cr_assert_eq(unlink(p.path), 0);
    cr_expect_not(control_socket_is_there(&first));
    cr_assert_eq(control_socket_open(p.path, NULL, &second, &diag), OK, "%s", diag.text);
    control_socket_close(&first);
    cr_expect(control_socket_is_there(&second));
    control_socket_close(&second);
    place_remove(&p);
}

Test(control_socket, says_why_it_cannot_be)
{
    struct place p;
    struct control_socket s;
    struct diag diag = {0};
    char path[256];
    place_make(&p);
    snprintf(path, sizeof(path), "%s/%0200d", p.dir, 0);
    cr_expect_eq(control_socket_open(path, NULL, &s, &diag), ERR_LIMIT, "%s", diag.text);
    snprintf(path, sizeof(path), "%s/no/s", p.dir);
    cr_expect_eq(control_socket_open(path, NULL, &s, &diag), ERR_SYSTEM, "%s", diag.text);
    cr_expect_not_null(strstr(diag.text, "/no: No such file"), "%s", diag.text);
    cr_expect_eq(control_socket_open(p.path, "no-such-group", &s, &diag), ERR_ABSENT);
    cr_expect_not_null(strstr(diag.text, "no-such-group"), "%s", diag.text);
    FILE *f = fopen(p.path, "w");
    cr_assert_not_null(f);
    fclose(f);
    cr_expect_eq(control_socket_open(p.path, NULL, &s, &diag), ERR_EXISTS);
    cr_expect_not_null(strstr(diag.text, "no socket"), "%s", diag.text);
    cr_expect_eq(access(p.path, F_OK), 0);
    place_remove(&p);
}
