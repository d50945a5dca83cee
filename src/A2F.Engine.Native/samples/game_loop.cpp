// Many characters in a game: an audio thread pushes what is heard, the game thread ticks once a frame and asks for each face at its own clock.
//
//     c++ -std=c++17 game_loop.cpp -o game_loop -I../include -L. -la2f -pthread -Wl,-rpath,'$ORIGIN'
//     ./game_loop weights/default samples/hello.wav 16
//
// The clock runs as fast as the machine allows unless a fourth argument, "realtime", says otherwise.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "a2f.h"

namespace a2f {

// What a call tells beside "done" and "no frame".
struct Error : std::runtime_error {
    Error(int32_t number, const std::string &what) : std::runtime_error(what + ": " + a2f_last_error()), code(number) {}
    int32_t code;
};

inline int32_t check(int32_t code, const char *what)
{
    if (code > 0) throw Error(code, what);
    return code;
}

// A handle that is destroyed with its owner. Destroying one that is gone already (a character whose group went first) is only an error code.
template <typename T, int32_t (A2F_CALL *destroy)(T *)>
struct Destroyer {
    void operator()(T *handle) const { destroy(handle); }
};
using Audio = std::unique_ptr<a2f_audio, Destroyer<a2f_audio, a2f_audio_destroy>>;
using Model = std::unique_ptr<a2f_model, Destroyer<a2f_model, a2f_model_destroy>>;
using Group = std::unique_ptr<a2f_group, Destroyer<a2f_group, a2f_group_destroy>>;
using Character = std::unique_ptr<a2f_character, Destroyer<a2f_character, a2f_character_destroy>>;

inline Audio load_audio(const char *path)
{
    a2f_audio *handle = nullptr;
    check(a2f_audio_load(path, &handle), "audio");
    return Audio(handle);
}

inline Model load_model(const char *folder, const char *device)
{
    a2f_model_options options;
    check(a2f_model_options_init(&options), "model options");
    options.device = device;
    a2f_model *handle = nullptr;
    check(a2f_model_load(folder, &options, &handle), "model");
    return Model(handle);
}

inline Group create_group(const Model &model, int32_t capacity)
{
    a2f_group_options options;
    check(a2f_group_options_init(&options), "group options");
    options.capacity = capacity;
    a2f_group *handle = nullptr;
    check(a2f_group_create(model.get(), &options, &handle), "group");
    return Group(handle);
}

inline Character create_character(const Group &group)
{
    a2f_character *handle = nullptr;
    check(a2f_character_create(group.get(), nullptr, &handle), "character");
    return Character(handle);
}

// Room for one frame.
class Frame {
public:
    explicit Frame(const a2f_model_info &info) : weights_(static_cast<std::size_t>(info.skin_weight_count))
    {
        data.struct_size = sizeof data;
        data.skin_weights = weights_.data();
        data.skin_weight_capacity = static_cast<uint32_t>(weights_.size());
    }
    Frame(const Frame &) = delete;
    Frame &operator=(const Frame &) = delete;

    const std::vector<float> &weights() const { return weights_; }
    a2f_frame data{};

private:
    std::vector<float> weights_;
};

} // namespace a2f

namespace {

constexpr int sample_rate = 16000, frame_rate = 60, audio_block = 320; // 20 ms, as sound cards like it

// The audio thread's clock is the sound card; the game's is what was played.
struct Playback {
    std::atomic<std::int64_t> played{0};
    std::atomic<bool> ended{false};
    std::exception_ptr problem;
};

void play(const a2f_audio *audio, const std::vector<a2f::Character> &characters, bool realtime, Playback &playback)
{
    try {
        const float *samples = nullptr;
        std::size_t count = 0;
        a2f::check(a2f_audio_samples(audio, &samples, &count), "samples");
        auto next = std::chrono::steady_clock::now();
        for (std::size_t at = 0; at < count; at += audio_block) {
            const std::size_t part = std::min<std::size_t>(audio_block, count - at);
            for (const auto &character : characters) a2f::check(a2f_character_push(character.get(), samples + at, part), "push");
            playback.played += static_cast<std::int64_t>(part);
            if (realtime) std::this_thread::sleep_until(next += std::chrono::milliseconds(1000 * audio_block / sample_rate));
            else std::this_thread::yield();
        }
        for (const auto &character : characters) a2f::check(a2f_character_end_audio(character.get()), "end of audio");
    } catch (...) {
        playback.problem = std::current_exception();
    }
    playback.ended = true;
}

bool all_finished(const std::vector<a2f::Character> &characters)
{
    for (const auto &character : characters) {
        a2f_character_status status{};
        status.struct_size = sizeof status;
        a2f::check(a2f_character_get_status(character.get(), &status), "status");
        if (status.error != A2F_OK) throw std::runtime_error(std::string("a character stopped: ") + a2f_error_name(status.error));
        if (status.finished == 0) return false;
    }
    return true;
}

int run(const char *folder, const char *wav, int count, bool realtime)
{
    const a2f::Audio audio = a2f::load_audio(wav);
    const a2f::Model model = a2f::load_model(folder, "auto");
    a2f_model_info info{};
    info.struct_size = sizeof info;
    a2f::check(a2f_model_get_info(model.get(), &info), "info");
    const a2f::Group group = a2f::create_group(model, count);
    std::vector<a2f::Character> characters;
    for (int i = 0; i < count; i++) characters.push_back(a2f::create_character(group));
    // Each may have a temper of its own.
    for (std::size_t i = 0; i < characters.size(); i++)
        a2f::check(a2f_character_set_parameter(characters[i].get(), "lower_face_strength", 1.0f + 0.05f * static_cast<float>(i % 10)), "parameter");

    Playback playback;
    std::thread sound(play, audio.get(), std::cref(characters), realtime, std::ref(playback));
    a2f::Frame face(info);
    std::vector<double> times;
    std::int64_t windows = 0, faces = 0;
    double movement = 0;
    try {
        auto next = std::chrono::steady_clock::now();
        do {
            a2f_tick_report report{};
            report.struct_size = sizeof report;
            a2f::check(a2f_group_tick(group.get(), nullptr, &report), "tick");
            windows += report.windows;
            times.push_back(report.seconds);
            // Here the game would do its own work; what a GPU has finished meanwhile comes with this.
            a2f::check(a2f_group_poll(group.get()), "poll");
            // Faces are a fifth of a second behind the sound that is heard by now: they need to hear what comes next.
            const double clock = static_cast<double>(playback.played) - 0.2 * sample_rate;
            for (const auto &character : characters) {
                if (a2f::check(a2f_character_sample_frame(character.get(), std::max(clock, 0.0), &face.data), "face") == A2F_NO_FRAME) continue;
                faces++;
                for (const float weight : face.weights()) movement += weight; // a renderer would use them here
            }
            if (realtime) std::this_thread::sleep_until(next += std::chrono::microseconds(1000000 / frame_rate));
        } while (!playback.ended || !all_finished(characters));
    } catch (...) {
        sound.join();
        throw;
    }
    sound.join();
    if (playback.problem) std::rethrow_exception(playback.problem);

    std::sort(times.begin(), times.end());
    std::printf("%d characters on %s: %lld windows in %zu ticks, %lld faces, median tick %.3f ms, longest %.3f ms\n", count, info.device,
        static_cast<long long>(windows), times.size(), static_cast<long long>(faces), 1000 * times[times.size() / 2], 1000 * times.back());
    return movement > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        std::fprintf(stderr, "usage: %s MODEL AUDIO.wav CHARACTERS [realtime]\n", argv[0]);
        return 2;
    }
    if (a2f_abi_version() >> 16 != A2F_ABI_MAJOR) {
        std::fprintf(stderr, "error: this is liba2f %s\n", a2f_version_string());
        return 1;
    }
    try {
        return run(argv[1], argv[2], std::max(1, std::atoi(argv[3])), argc == 5);
    } catch (const std::exception &e) {
        std::fprintf(stderr, "error: %s\n", e.what());
        return 1;
    }
}
