// SPDX-License-Identifier: MIT
#include "cli/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct ht_http_file file = {"a.pftrace", 5000000000, 9001};

static struct ht_http_answer answer_to(const char *request)
{
    struct ht_http_answer answer;
    ht_http_answer(request, strlen(request), &file, &answer);
    return answer;
}

static void expect(const char *request, const char *status)
{
    struct ht_http_answer answer = answer_to(request);
    assert_memory_equal(answer.head, "HTTP/1.1 ", 9);
    assert_memory_equal(answer.head + 9, status, strlen(status));
    assert_int_equal(answer.size, strlen(answer.head));
}

static void test_a_get_gets_the_file(void **state)
{
    (void)state;
    struct ht_http_answer answer =
        answer_to("GET /a.pftrace HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n");
    assert_true(answer.has_file);
    assert_string_equal(answer.head, "HTTP/1.1 200 OK\r\n"
                                     "Access-Control-Allow-Origin: https://ui.perfetto.dev\r\n"
                                     "Content-Type: application/octet-stream\r\n"
                                     "Cache-Control: no-store\r\n"
                                     "Connection: close\r\n"
                                     "Content-Length: 5000000000\r\n"
                                     "\r\n");
}

static void test_a_head_gets_its_headers_only(void **state)
{
    (void)state;
    struct ht_http_answer answer =
        answer_to("HEAD /a.pftrace HTTP/1.1\r\nHost: localhost:9001\r\n\r\n");
    assert_false(answer.has_file);
    assert_non_null(strstr(answer.head, "Content-Length: 5000000000\r\n"));
}

static void test_a_browser_may_ask_before(void **state)
{
    (void)state;
    struct ht_http_answer answer =
        answer_to("OPTIONS /a.pftrace HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n");
    assert_memory_equal(answer.head, "HTTP/1.1 204", 12);
    assert_non_null(strstr(answer.head, "Access-Control-Allow-Methods: GET, HEAD, OPTIONS\r\n"));
    assert_non_null(strstr(answer.head, "Access-Control-Allow-Private-Network: true\r\n"));
    assert_non_null(strstr(answer.head, "Content-Length: 0\r\n"));
    assert_false(answer.has_file);
}

static void test_names_and_line_ends_are_taken_as_they_come(void **state)
{
    (void)state;
    expect("GET /a.pftrace?x=y HTTP/1.1\nhOST:\t 127.0.0.1:9001 \n\n", "200");
    expect("GET /a.pftrace HTTP/1.0\r\nA: b\r\nhost:localhost:9001\r\nC: d\r\n\r\n", "200");
}

static void test_another_name_for_this_machine_is_refused(void **state)
{
    (void)state;
    expect("GET /a.pftrace HTTP/1.1\r\nHost: evil.example:9001\r\n\r\n", "403");
    expect("GET /a.pftrace HTTP/1.1\r\nHost: 127.0.0.1:9002\r\n\r\n", "403");
    expect("GET /a.pftrace HTTP/1.1\r\nHost: 127.0.0.1:90010\r\n\r\n", "403");
    expect("GET /a.pftrace HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", "403");
    expect("GET /a.pftrace HTTP/1.1\r\nX-Host: 127.0.0.1:9001\r\n\r\n", "403");
    expect("GET /a.pftrace HTTP/1.1\r\nHos: 127.0.0.1:9001\r\n\r\n", "403");
    expect("GET /a.pftrace HTTP/1.1\r\n\r\n", "403");
}

static void test_another_page_is_refused(void **state)
{
    (void)state;
    expect("GET /a.pftrace HTTP/1.1\r\nHost: localhost:9001\r\n"
           "Origin: https://ui.perfetto.dev\r\n\r\n",
           "200");
    expect("GET /a.pftrace HTTP/1.1\r\nHost: localhost:9001\r\n"
           "Origin: https://ui.perfetto.dev.evil.example\r\n\r\n",
           "403");
    expect("GET /a.pftrace HTTP/1.1\r\norigin: null\r\nHost: localhost:9001\r\n\r\n", "403");
}

static void test_another_file_or_method_is_refused(void **state)
{
    (void)state;
    expect("GET / HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n", "404");
    expect("GET /a.pftrac HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n", "404");
    expect("GET /a.pftrace2 HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n", "404");
    expect("GET a.pftrace HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n", "404");
    expect("GET /../a.pftrace HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n", "404");
    expect("POST /a.pftrace HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n", "405");
    expect("get /a.pftrace HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n", "405");
}

static void test_what_is_no_request_is_told_so(void **state)
{
    (void)state;
    expect("", "400");
    expect("\r\n\r\n", "400");
    expect("GET /a.pftrace\r\nHost: 127.0.0.1:9001\r\n\r\n", "400");
    expect("GET /a.pftrace HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n", "400");
    expect("\x16\x03\x01 hello", "400");
}

static void test_a_request_is_whole_with_its_empty_line(void **state)
{
    (void)state;
    static const char request[] = "GET / HTTP/1.1\r\nA: b\r\n\r\n";
    for (size_t size = 0; size < sizeof request - 1; size++)
        assert_false(ht_http_is_whole(request, size));
    assert_true(ht_http_is_whole(request, sizeof request - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_get_gets_the_file),
        cmocka_unit_test(test_a_head_gets_its_headers_only),
        cmocka_unit_test(test_a_browser_may_ask_before),
        cmocka_unit_test(test_names_and_line_ends_are_taken_as_they_come),
        cmocka_unit_test(test_another_name_for_this_machine_is_refused),
        cmocka_unit_test(test_another_page_is_refused),
        cmocka_unit_test(test_another_file_or_method_is_refused),
        cmocka_unit_test(test_what_is_no_request_is_told_so),
        cmocka_unit_test(test_a_request_is_whole_with_its_empty_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
