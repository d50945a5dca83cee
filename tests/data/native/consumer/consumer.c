#include <stdio.h>

#include <a2f.h>

int main(void)
{
    printf("a2f %s, ABI %d\n", a2f_version_string(), (int)(a2f_abi_version() >> 16));
    return a2f_model_destroy(NULL) == A2F_ERROR_BAD_HANDLE ? 0 : 1;
}
