/*
 * The far end of a measurement: listing, pictures, annotate and database in one epoll loop.
 *
 * It costs so little that it is never what is measured, and it judges nothing: bodies are counted
 * and thrown away, answers are canned. What is right is the sandbox's matter; this is for speed.
 *
 *   far_end PHOTOS PICTURE_BYTES [CDN_MS VISION_MS VISION_MS_PER_IMAGE DATABASE_MS LISTING_MS]
 *
 * Prints its port. Every picture has its own bytes: the id stands in a JPEG comment. GET /seen tells
 * what came: {"pictures":n,"annotated":n,"requests":n,"updates":n}.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 8192, HEAD = 16384, PER_PAGE = 500, LABELS = 10, EVENTS = 256 };

typedef struct Connection {
    int fd, listening_for_write;
    char head[HEAD];
    size_t have;
    long body_left, body_size;     /* of the request; body_size counts images */
    char kind;                     /* g: picture, v: annotate, p: patch, u: put, f: listing, r: read */
    char *out;                     /* an answer of its own, or NULL */
    size_t out_length, sent;
    char lead[512];                /* a picture: headers and its first bytes */
    size_t lead_length;
    int picture;
    char *form;                    /* the body of a listing request */
    size_t form_have, form_room;
    double due;                    /* when the delayed answer leaves, 0: not waiting */
    struct Connection *next;       /* in the line of delayed answers of its kind */
} Connection;

typedef struct { Connection *first, *last; } Line;

static Connection *connections[MOST_CONNECTIONS];
static Line lines[5];
static double delays[5], vision_per_image;
static int loop, port, photos;
static long picture_bytes;
static char *picture, *annotation, *kept;
static size_t annotation_length;
static long seen_pictures, seen_images, seen_requests, seen_updates;
static char trash[1 << 20];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static long header_number(const char *head, const char *name) {
    const char *at = strcasestr(head, name);
    return at ? atol(at + strlen(name)) : 0;
}

static void answer(Connection *c, const char *status, const char *type, const char *body, size_t length) {
    c->out = malloc(length + 512);
    int n = sprintf(c->out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nETag: null_etag\r\nContent-Length: %zu\r\n\r\n",
                    status, type, length);
    memcpy(c->out + n, body, length);
    c->out_length = n + length;
}

static void answer_group(Connection *c) {
    static const char group[] = "{\"group\":{\"id\":\"1000001@N20\",\"groupname\":{\"_content\":\"Bench\"}},\"stat\":\"ok\"}";
    answer(c, "200 OK", "application/json", group, sizeof group - 1);
}

static void answer_page(Connection *c, const char *form) {
    const char *at = strstr(form, "page=");
    while (at && at > form && at[-1] != '&') at = strstr(at + 5, "page=");
    int page = at ? atoi(at + 5) : 1, pages = (photos + PER_PAGE - 1) / PER_PAGE;
    if (page > pages) page = pages;
    char *body = malloc(PER_PAGE * 1100 + 256);
    size_t n = sprintf(body, "{\"photos\":{\"page\":%d,\"pages\":%d,\"perpage\":500,\"total\":%d,\"photo\":[", page, pages, photos);
    int first = (page - 1) * PER_PAGE, last = first + PER_PAGE < photos ? first + PER_PAGE : photos;
    for (int i = first; i < last; i++) {
        long id = 51000000000L + i;
        n += sprintf(body + n, "%s{\"id\":\"%ld\",\"owner\":\"16436438@N08\",\"secret\":\"287a9eb07a\",\"server\":\"65535\","
            "\"farm\":8,\"title\":\"Portrait of a flamingo at dawn\",\"ownername\":\"Somebody\",\"dateadded\":\"%d\","
            "\"dateupload\":\"1728246209\",\"license\":\"2\"", i > first ? "," : "", id, 1730994300 - i);
        static const struct { char name; int edge; const char *suffix; } sizes[] = {
            {'n', 320, "_n"}, {'z', 640, "_z"}, {'c', 800, "_c"}, {'l', 1024, "_b"}, {'m', 500, ""}};
        for (int s = 0; s < 5; s++)
            n += sprintf(body + n, ",\"url_%c\":\"http:\\/\\/127.0.0.1:%d\\/65535\\/%ld_287a9eb07a%s.jpg\","
                "\"height_%c\":%d,\"width_%c\":%d", sizes[s].name, port, id, sizes[s].suffix,
                sizes[s].name, sizes[s].edge * 3 / 4, sizes[s].name, sizes[s].edge);
        n += sprintf(body + n, ",\"pathalias\":\"\",\"media\":\"photo\",\"media_status\":\"ready\"}");
    }
    n += sprintf(body + n, "]},\"stat\":\"ok\"}");
    answer(c, "200 OK", "application/json", body, n);
    free(body);
}

static void answer_picture(Connection *c, const char *path) {
    char mark[64];
    const char *end = strstr(path, ".jpg"), *id = end;
    while (id > path && *id != '/') id--;
    int marked = snprintf(mark, sizeof mark, "%.*s", (int)(end - id), id), n;
    n = sprintf(c->lead, "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %ld\r\n"
        "ETag: \"287a9eb07a\"\r\nLast-Modified: Sun, 06 Oct 2024 20:23:29 GMT\r\nCache-Control: public,max-age=31536000\r\n"
        "Server: Jubilee\r\naccess-control-allow-origin: *\r\nX-Cache: Miss from cloudfront\r\n\r\n", picture_bytes);
    unsigned char comment[6] = {0xff, 0xd8, 0xff, 0xfe, 0, (unsigned char)(marked + 2)};
    memcpy(c->lead + n, comment, 6);
    memcpy(c->lead + n + 6, mark, marked);
    c->lead_length = n + 6 + marked;
    c->picture = (int)picture_bytes - 6 - marked;
    c->out_length = c->lead_length + c->picture;
    seen_pictures++;
}

static void answer_annotate(Connection *c) {
    long text = (picture_bytes + 2) / 3 * 4, images = (c->body_size + text / 2) / text;
    if (images < 1) images = 1;
    seen_images += images;
    seen_requests++;
    char *body = malloc(images * (annotation_length + 1) + 32);
    size_t n = sprintf(body, "{\"responses\":[");
    for (long i = 0; i < images; i++) {
        if (i) body[n++] = ',';
        memcpy(body + n, annotation, annotation_length);
        n += annotation_length;
    }
    n += sprintf(body + n, "]}");
    answer(c, "200 OK", "application/json; charset=UTF-8", body, n);
    free(body);
}

static void watch(Connection *c, int write) {
    if (c->listening_for_write == write) return;
    struct epoll_event event = {.events = write ? EPOLLOUT : EPOLLIN, .data.ptr = c};
    epoll_ctl(loop, EPOLL_CTL_MOD, c->fd, &event);
    c->listening_for_write = write;
}

static void end(Connection *c) {
    close(c->fd);
    connections[c->fd] = NULL;
    if (c->due) { c->fd = -1; return; } /* its line lets it go */
    free(c->out);
    free(c->form);
    free(c);
}

static int flush(Connection *c) {
    while (c->sent < c->out_length) {
        struct iovec parts[2];
        int count = 0;
        if (c->out) parts[count++] = (struct iovec){c->out + c->sent, c->out_length - c->sent};
        else {
            size_t done = c->sent > c->lead_length ? c->sent - c->lead_length : 0;
            if (c->sent < c->lead_length) parts[count++] = (struct iovec){c->lead + c->sent, c->lead_length - c->sent};
            parts[count++] = (struct iovec){picture + (picture_bytes - c->picture) + done, c->picture - done};
        }
        ssize_t n = writev(c->fd, parts, count);
        if (n < 0 && errno == EAGAIN) { watch(c, 1); return 1; }
        if (n <= 0) { end(c); return 0; }
        c->sent += n;
    }
    free(c->out);
    c->out = NULL;
    c->out_length = c->sent = c->lead_length = 0;
    c->have = 0;
    watch(c, 0);
    return 1;
}

static int line_of(char kind) {
    switch (kind) { case 'g': return 0; case 'v': return 1; case 'f': return 3; default: return 2; }
}

static void respond(Connection *c) {
    switch (c->kind) {
    case 'g': answer_picture(c, c->head); break;
    case 'v': answer_annotate(c); break;
    case 'p': seen_updates++; c->out = strdup("HTTP/1.1 204 No Content\r\n\r\n"); c->out_length = strlen(c->out); break;
    case 'u': free(kept); kept = strndup(c->form, c->form_have); answer(c, "200 OK", "application/json", kept, strlen(kept)); break;
    case 'r': answer(c, "200 OK", "application/json", strstr(c->head, "/leases/") && kept ? kept : "null",
                     strstr(c->head, "/leases/") && kept ? strlen(kept) : 4); break;
    case 'f': strstr(c->form, "lookupGroup") ? answer_group(c) : answer_page(c, c->form); break;
    case 's': { char text[256]; int n = sprintf(text, "{\"pictures\":%ld,\"annotated\":%ld,\"requests\":%ld,\"updates\":%ld}",
                seen_pictures, seen_images, seen_requests, seen_updates);
                answer(c, "200 OK", "application/json", text, n); } break;
    }
    int line = line_of(c->kind);
    double wait = c->kind == 's' ? 0 : delays[line];
    if (c->kind == 'v') wait += vision_per_image * ((double)c->body_size / ((picture_bytes + 2) / 3 * 4));
    if (wait <= 0) { flush(c); return; }
    c->due = now() + wait;
    c->next = NULL;
    if (lines[line].last) lines[line].last->next = c; else lines[line].first = c;
    lines[line].last = c;
}

static int due(void) { /* sends what is due; returns milliseconds until the next */
    double t = now(), next = t + 10;
    for (int i = 0; i < 4; i++) {
        while (lines[i].first && lines[i].first->due <= t) {
            Connection *c = lines[i].first;
            lines[i].first = c->next;
            if (!c->next) lines[i].last = NULL;
            c->due = 0;
            if (c->fd < 0) { free(c->out); free(c->form); free(c); } else flush(c);
        }
        if (lines[i].first && lines[i].first->due < next) next = lines[i].first->due;
    }
    return (int)((next - t) * 1000) + 1;
}

static void begin(Connection *c) { /* the head is complete */
    const char *h = c->head;
    char *end_of_head = strstr(c->head, "\r\n\r\n") + 4;
    size_t extra = c->have - (end_of_head - c->head);
    c->body_size = c->body_left = header_number(h, "\r\nContent-Length:");
    c->form_have = 0;
    if (!strncmp(h, "GET /seen", 9)) c->kind = 's';
    else if (!strncmp(h, "GET /", 5)) c->kind = strstr(h, ".jpg") && strstr(h, ".jpg") < strstr(h, "\r\n") ? 'g' : 'r';
    else if (!strncmp(h, "PATCH", 5)) c->kind = 'p';
    else if (!strncmp(h, "PUT", 3)) c->kind = 'u';
    else c->kind = strstr(h, "images:annotate") ? 'v' : 'f';
    if (strcasestr(h, "\r\nExpect: 100-continue") && send(c->fd, "HTTP/1.1 100 Continue\r\n\r\n", 25, 0) < 0) return;
    int keep = c->kind == 'f' || c->kind == 'u';
    if (keep) {
        if (c->form_room < (size_t)c->body_size + 1) c->form = realloc(c->form, c->form_room = c->body_size + 1);
        if (extra > (size_t)c->body_size) extra = c->body_size;
        memcpy(c->form, end_of_head, extra);
        c->form_have = extra;
        c->form[extra] = 0;
    }
    c->body_left -= extra;
    if (c->body_left <= 0) respond(c);
}

static void readable(Connection *c) {
    for (;;) {
        ssize_t n;
        if (c->due || c->out_length) return; /* no pipelining */
        if (c->body_left > 0) {
            int keep = c->kind == 'f' || c->kind == 'u';
            n = keep ? recv(c->fd, c->form + c->form_have, c->body_left, 0) : recv(c->fd, trash, sizeof trash, MSG_TRUNC);
            if (n <= 0) break;
            if (keep) { c->form_have += n; c->form[c->form_have] = 0; }
            c->body_left -= n;
            if (c->body_left <= 0) { c->body_left = 0; respond(c); return; }
            continue;
        }
        n = recv(c->fd, c->head + c->have, HEAD - 1 - c->have, 0);
        if (n <= 0) { if (n < 0 && errno == EAGAIN) return; end(c); return; }
        c->have += n;
        c->head[c->have] = 0;
        if (strstr(c->head, "\r\n\r\n")) { begin(c); if (c->body_left <= 0) return; }
        else if (c->have >= HEAD - 1) { end(c); return; }
    }
    if (errno != EAGAIN) end(c);
}

static void make_bodies(void) {
    picture = malloc(picture_bytes);
    unsigned seed = 7;
    for (long i = 0; i < picture_bytes; i++) picture[i] = (char)((seed = seed * 1103515245u + 12345u) >> 24) & 0x7f;
    picture[picture_bytes - 2] = (char)0xff;
    picture[picture_bytes - 1] = (char)0xd9;
    static const char *names[LABELS] = {"Flamingo", "Bird", "Beak", "Greater flamingo", "Wildlife",
        "Feather", "Water bird", "Neck", "Wing", "Pink"};
    annotation = malloc(4096);
    size_t n = sprintf(annotation, "{\"labelAnnotations\":[");
    for (int i = 0; i < LABELS; i++)
        n += sprintf(annotation + n, "%s{\"mid\":\"/m/0%dcsv\",\"description\":\"%s\",\"score\":0.%d7%d3241,\"topicality\":0.%d7%d3241}",
            i ? "," : "", i, names[i], 9 - i / 2, 9 - i, 9 - i / 2, 9 - i);
    annotation_length = n + sprintf(annotation + n, "]}");
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    photos = argc > 1 ? atoi(argv[1]) : 10000;
    picture_bytes = argc > 2 ? atol(argv[2]) : 150000;
    delays[0] = argc > 3 ? atof(argv[3]) / 1000 : 0;
    delays[1] = argc > 4 ? atof(argv[4]) / 1000 : 0;
    vision_per_image = argc > 5 ? atof(argv[5]) / 1000 : 0;
    delays[2] = argc > 6 ? atof(argv[6]) / 1000 : 0;
    delays[3] = argc > 7 ? atof(argv[7]) / 1000 : 0;
    make_bodies();
    int on = 1, door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof place;
    if (bind(door, (struct sockaddr *)&place, length) || listen(door, 4096)) { perror("far_end"); return 1; }
    getsockname(door, (struct sockaddr *)&place, &length);
    port = ntohs(place.sin_port);
    printf("%d\n", port);
    fflush(stdout);
    loop = epoll_create1(0);
    struct epoll_event events[EVENTS], event = {.events = EPOLLIN, .data.ptr = NULL};
    epoll_ctl(loop, EPOLL_CTL_ADD, door, &event);
    event.data.ptr = trash; /* stdin: when it closes, whoever started this is gone */
    epoll_ctl(loop, EPOLL_CTL_ADD, 0, &event);
    for (;;) {
        int count = epoll_wait(loop, events, EVENTS, due());
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr == trash) {
                if (read(0, trash, sizeof trash) <= 0) return 0;
            } else if (!events[i].data.ptr) {
                int fd;
                while ((fd = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                    if (fd >= MOST_CONNECTIONS) { close(fd); continue; }
                    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                    Connection *c = connections[fd] = calloc(1, sizeof *c);
                    c->fd = fd;
                    event = (struct epoll_event){.events = EPOLLIN, .data.ptr = c};
                    epoll_ctl(loop, EPOLL_CTL_ADD, fd, &event);
                }
            } else {
                Connection *c = events[i].data.ptr;
                if (events[i].events & EPOLLOUT) flush(c); else readable(c);
            }
        }
    }
}
