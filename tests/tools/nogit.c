/* SPDX-License-Identifier: Apache-2.0
 * Stands for libgit2 in the unit tests. libcriterion has it compare two texts for a coloured
 * message, and each test is a process that loads it: with fourteen more libraries behind it and all
 * certificates of the machine, half of what a short test costs. Criterion shows both without it. */

int git_libgit2_init(void);
int git_libgit2_shutdown(void);
int git_diff_buffers(void);

/* Returns how often it was called. */
int git_libgit2_init(void)
{
    return 1;
}

int git_libgit2_shutdown(void)
{
    return 0;
}

int git_diff_buffers(void)
{
    return -1;
}
